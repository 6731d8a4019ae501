"""Clusters, and how far a thing is from all of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Detect
from pipelines.models.base import IS_VALIDATION, ClusterScorer, Param, RowsFamily, Scorer, Signature
from pipelines.models.labels import unlabelled
from pipelines.models.oddity import ODDITY, Ranks
from pipelines.models.rows import Values, matrix
from pipelines.models.terms import Term, design, standardising, standardising_in_spark

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class KMeans(RowsFamily):
    """Odd is what lies far from the nearest of `clusters` centres (Lloyd 1982), over standardised features, categories
    as flags."""

    name = "k_means"
    engines = ("spark_ml", "single")
    tasks = (Detect,)
    params = (
        Param("clusters", int, 8, (2, 4, 8, 16, 32), "number of centres"),
        Param("tries", int, 4, None, "beginnings, of which the best end counts"),
    )

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        from sklearn.cluster import KMeans as Clusters

        params = self.settled(plan.params)
        values = unlabelled(train, plan, "train")
        columns = dict(zip(plan.frame.features, values.T, strict=True))
        terms = standardising(columns, plan)
        points = design(terms, columns)
        clusters = min(int(params["clusters"]), len(np.unique(points, axis=0)))
        found = Clusters(clusters, n_init=int(params["tries"]), random_state=plan.seed).fit(points)
        return _sealed(terms, found.cluster_centers_, Ranks.of(_distance(points, found.cluster_centers_)), plan)

    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pyspark.ml.clustering import KMeans as Clusters
        from pyspark.ml.feature import VectorAssembler
        from pyspark.sql import functions as F

        params = self.settled(plan.params)
        rows = rows.where(~F.col(IS_VALIDATION))
        terms = standardising_in_spark(rows, plan)
        points = rows.select(*[term.standardised_in_spark().alias(f"_{j}") for j, term in enumerate(terms)]).cache()
        try:
            assembled = VectorAssembler(inputCols=points.columns, outputCol="design").transform(points)
            tries = [
                Clusters(k=int(params["clusters"]), seed=plan.seed + number, featuresCol="design").fit(assembled)
                for number in range(int(params["tries"]))
            ]
            centres = np.array(min(tries, key=lambda one: one.summary.trainingCost).clusterCenters())
            squares = [
                sum(((F.col(f"_{j}") - float(at)) ** 2 for j, at in enumerate(centre)), F.lit(0.0))
                for centre in centres
            ]
            nearest = F.sqrt(F.array_min(F.array(*squares))).alias(ODDITY)
            ranks = Ranks.in_spark(points.select(nearest))
        finally:
            points.unpersist()
        return _sealed(terms, centres, ranks, plan)

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        terms = [Term(**term) for term in content["terms"]]
        ranks = Ranks(content["marks"], content["rows"])
        return _KMeansScorer(Signature.read(content["signature"]), terms, np.array(content["centres"]), ranks)


class _KMeansScorer(ClusterScorer):
    def __init__(self, signature: Signature, terms: Sequence[Term], centres: Values, ranks: Ranks) -> None:
        super().__init__(signature)
        self._terms, self._centres, self._ranks = terms, centres, ranks

    def outputs(self, examples: pa.Table) -> Values:
        return self._ranks.score(_distance(self._points(examples), self._centres))

    def nearest(self, examples: pa.Table) -> npt.NDArray[np.int64]:
        return np.argmin(_squares(self._points(examples), self._centres), axis=0)

    def _points(self, examples: pa.Table) -> Values:
        values = matrix(examples, self.signature.features, self.signature.steps)
        return design(self._terms, dict(zip(self.signature.features, values.T, strict=True)))


def _distance(points: Values, centres: Values) -> Values:
    """(rows,) to the nearest centre."""
    return np.asarray(np.sqrt(_squares(points, centres).min(axis=0)))


def _squares(points: Values, centres: Values) -> Values:
    """(centres, rows), summed column by column, so that a row's bits depend on no other row."""
    found = []
    for centre in centres:
        squares = np.zeros(len(points))
        for j, at in enumerate(centre):
            squares += (points[:, j] - at) ** 2
        found.append(squares)
    return np.stack(found)


def _sealed(terms: Sequence[Term], centres: Values, ranks: Ranks, plan: FitPlan) -> FitResult:
    content = {
        "signature": Signature.of(plan).json(),
        "terms": [asdict(term) for term in terms],
        "centres": centres.tolist(),
        **asdict(ranks),
    }
    return FitResult(model=json.dumps(content, sort_keys=True).encode(), format="json")
