"""A mixture of normal distributions, and how unlikely a thing is under it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Detect
from pipelines.models.base import IS_VALIDATION, ClusterScorer, Param, RowsFamily, Scorer, Signature
from pipelines.models.labels import unlabelled
from pipelines.models.lapack import begin_lapack
from pipelines.models.oddity import ODDITY, Ranks
from pipelines.models.rows import Values, matrix
from pipelines.models.terms import Term, design, standardising, standardising_in_spark

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class GaussianMixture(RowsFamily):
    """Odd is what has little density under a mixture fitted by expectation and maximisation (Dempster, Laird and Rubin
    1977), over standardised features, categories as flags.

    Directions in which a component's rows do not vary count for nothing, as pyspark.ml has it.
    """

    name = "gaussian_mixture"
    engines = ("spark_ml", "single")
    tasks = (Detect,)
    params = (
        Param("components", int, 4, (1, 2, 4, 8), "number of normal distributions"),
        Param("rounds", int, 100, None, "most rounds of expectation and maximisation"),
    )

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        from sklearn.mixture import GaussianMixture as Mixture

        params = self.settled(plan.params)
        values = unlabelled(train, plan, "train")
        columns = dict(zip(plan.frame.features, values.T, strict=True))
        terms = standardising(columns, plan)
        points = design(terms, columns)
        found = Mixture(
            min(int(params["components"]), len(points)), max_iter=int(params["rounds"]), random_state=plan.seed
        ).fit(points)
        normals = [Normal.of(*each) for each in zip(found.weights_, found.means_, found.covariances_, strict=True)]
        return _sealed(terms, normals, Ranks.of(_oddity(points, normals)), plan)

    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pyspark.ml.clustering import GaussianMixture as Mixture
        from pyspark.ml.feature import VectorAssembler
        from pyspark.sql import functions as F

        params = self.settled(plan.params)
        begin_lapack(rows.sparkSession)
        rows = rows.where(~F.col(IS_VALIDATION))
        terms = standardising_in_spark(rows, plan)
        points = rows.select(*[term.standardised_in_spark().alias(f"_{j}") for j, term in enumerate(terms)]).cache()
        try:
            assembled = VectorAssembler(inputCols=points.columns, outputCol="design").transform(points)
            found = Mixture(
                k=int(params["components"]), maxIter=int(params["rounds"]), seed=plan.seed, featuresCol="design"
            ).fit(assembled)
            normals = [
                Normal.of(weight, row["mean"].toArray(), row["cov"].toArray())
                for weight, row in zip(found.weights, found.gaussiansDF.collect(), strict=True)
            ]

            def measured(batches):  # type: ignore[no-untyped-def]
                for batch in batches:
                    of = np.stack([column.to_numpy(zero_copy_only=False) for column in batch.columns], axis=1)
                    yield pa.RecordBatch.from_arrays([pa.array(_oddity(of, normals))], [ODDITY])

            ranks = Ranks.in_spark(points.mapInArrow(measured, f"{ODDITY} double"))
        finally:
            points.unpersist()
        return _sealed(terms, normals, ranks, plan)

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        terms = [Term(**term) for term in content["terms"]]
        normals = [Normal(**normal) for normal in content["normals"]]
        ranks = Ranks(content["marks"], content["rows"])
        return _MixtureScorer(Signature.read(content["signature"]), terms, normals, ranks)


@dataclass(frozen=True)
class Normal:
    """One component. log_share: of its weight and of its density's height; axes: (directions, terms), each direction
    divided by its deviation."""

    log_share: float
    mean: list[float]
    axes: list[list[float]]

    @classmethod
    def of(cls, weight: float, mean: Values, covariance: Values) -> Normal:
        variances, directions = np.linalg.eigh(covariance)
        least = np.finfo(np.float64).eps * max(float(variances.max()), 0.0) * len(mean)
        is_kept = variances > least
        height = -0.5 * (len(mean) * math.log(2.0 * math.pi) + float(np.log(variances[is_kept]).sum()))
        axes = directions[:, is_kept].T / np.sqrt(variances[is_kept])[:, None]
        return cls(math.log(max(weight, np.finfo(np.float64).tiny)) + height, mean.tolist(), axes.tolist())

    def log_density(self, points: Values) -> Values:
        """(rows,), summed column by column, so that a row's bits depend on no other row."""
        away = [points[:, j] - at for j, at in enumerate(self.mean)]
        squares = np.zeros(len(points))
        for axis in self.axes:
            along = np.zeros(len(points))
            for part, of in zip(axis, away, strict=True):
                along += part * of
            squares += along**2
        return self.log_share - 0.5 * squares


class _MixtureScorer(ClusterScorer):
    def __init__(self, signature: Signature, terms: Sequence[Term], normals: Sequence[Normal], ranks: Ranks) -> None:
        super().__init__(signature)
        self._terms, self._normals, self._ranks = terms, normals, ranks

    def outputs(self, examples: pa.Table) -> Values:
        return self._ranks.score(_oddity(self._points(examples), self._normals))

    def nearest(self, examples: pa.Table) -> npt.NDArray[np.int64]:
        """The component that most probably made each row."""
        points = self._points(examples)
        return np.argmax([normal.log_density(points) for normal in self._normals], axis=0)

    def _points(self, examples: pa.Table) -> Values:
        values = matrix(examples, self.signature.features, self.signature.steps)
        return design(self._terms, dict(zip(self.signature.features, values.T, strict=True)))


def _oddity(points: Values, normals: Sequence[Normal]) -> Values:
    """Minus the logarithm of the density."""
    parts = [normal.log_density(points) for normal in normals]
    greatest = np.maximum.reduce(parts)
    return -(greatest + np.log(np.add.reduce([np.exp(part - greatest) for part in parts])))


def _sealed(terms: Sequence[Term], normals: Sequence[Normal], ranks: Ranks, plan: FitPlan) -> FitResult:
    content = {
        "signature": Signature.of(plan).json(),
        "terms": [asdict(term) for term in terms],
        "normals": [asdict(normal) for normal in normals],
        **asdict(ranks),
    }
    return FitResult(model=json.dumps(content, sort_keys=True).encode(), format="json")
