"""Linear regression on standardised features."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.models.base import IS_VALIDATION, Param, RowsFamily, Scorer, Signature, labelled
from pipelines.models.rows import LABEL, Values, matrix

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

CATEGORICAL = ("calendar__time_of_day", "calendar__weekday")
"""Features whose number is a name: one column a value, so that the daily shape need not be a straight line."""


@dataclass(frozen=True)
class Term:
    """One column of the design: a feature, or whether a categorical feature has a value; standardised.

    A missing feature counts as its training mean, which is 0 here.
    """

    feature: str
    value: float | None
    mean: float = 0.0
    deviation: float = 1.0
    coefficient: float = 0.0

    @property
    def name(self) -> str:
        return self.feature if self.value is None else f"{self.feature}={self.value:g}"

    def raw(self, column: Values) -> Values:
        return column if self.value is None else np.where(np.isnan(column), np.nan, column == self.value)

    def standardised(self, column: Values) -> Values:
        return np.nan_to_num((self.raw(column) - self.mean) / self.deviation)

    def raw_in_spark(self) -> Column:
        from pyspark.sql import functions as F

        column = F.col(f"`{self.feature}`")
        return column if self.value is None else (column == self.value).cast("double")

    def standardised_in_spark(self) -> Column:
        from pyspark.sql import functions as F

        return F.coalesce((self.raw_in_spark() - self.mean) / self.deviation, F.lit(0.0))


class Linear(RowsFamily):
    """Least squares with a small ridge penalty, so that features which repeat each other do no harm.

    The mean is the point forecast; the other quantiles are the point plus the training errors' quantiles.
    Features and label are standardised by training rows; the penalty is λ/2 · |w|² against half the mean squared error
    (as pyspark.ml's LinearRegression has it), so both engines solve one problem.
    """

    name = "linear"
    engines = ("spark_ml", "single")
    params = (Param("ridge", float, 1e-2, (1e-4, 1e-3, 1e-2, 1e-1), "penalty λ on the standardised coefficients"),)

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        values, labels = labelled(train, plan, "train")
        columns = dict(zip(plan.frame.features, values.T, strict=True))
        categories = {name: np.unique(c[~np.isnan(c)]).tolist() for name, c in columns.items() if name in CATEGORICAL}
        terms = _terms(plan.frame.features, categories)
        raws = [term.raw(columns[term.feature]) for term in terms]
        moments = [
            (float(np.nanmean(raw)), float(np.nanstd(raw))) if (raw == raw).any() else (0.0, 0.0) for raw in raws
        ]
        terms = _standardising(terms, moments)
        label_mean = float(labels.mean())
        design = np.stack([term.standardised(columns[term.feature]) for term in terms], axis=1)
        gram = design.T @ design / len(design) + float(self.settled(plan.params)["ridge"]) * np.eye(len(terms))
        weights = np.linalg.solve(gram, design.T @ (labels - label_mean) / len(design))
        terms = _weighted(terms, weights)
        errors = labels - _predicted(terms, label_mean, columns)
        return _sealed(terms, label_mean, [float(np.quantile(errors, q)) for q in plan.quantiles], plan)

    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pyspark.ml.feature import VectorAssembler
        from pyspark.ml.regression import LinearRegression
        from pyspark.sql import functions as F

        rows = rows.where(~F.col(IS_VALIDATION))
        named = [name for name in plan.frame.features if name in CATEGORICAL]
        seen = rows.agg(F.count("*"), *[F.sort_array(F.collect_set(f"`{name}`")) for name in named]).first()
        assert seen is not None, "an aggregate without groups has one row"
        terms = _terms(plan.frame.features, dict(zip(named, seen[1:], strict=True)))
        columns = [term.raw_in_spark() for term in terms] + [F.col(LABEL)]
        found = rows.agg(*[F.struct(F.avg(column), F.stddev_pop(column)) for column in columns]).first()
        assert found is not None
        *moments, (label_mean, label_deviation) = [(mean or 0.0, deviation or 0.0) for mean, deviation in found]
        label_deviation = label_deviation or 1.0
        terms = _standardising(terms, moments)
        design = [term.standardised_in_spark().alias(f"_{j}") for j, term in enumerate(terms)]
        standard = rows.select(*design, ((F.col(LABEL) - label_mean) / label_deviation).alias(LABEL))
        assembled = VectorAssembler(inputCols=standard.columns[:-1], outputCol="design").transform(standard)
        regression = LinearRegression(
            featuresCol="design",
            labelCol=LABEL,
            predictionCol="predicted",
            solver="normal",
            regParam=float(self.settled(plan.params)["ridge"]),
            standardization=False,
        ).fit(assembled)
        errors = (F.col(LABEL) - F.col("predicted")) * label_deviation
        shifts = regression.transform(assembled).agg(F.percentile(errors, F.array(*map(F.lit, plan.quantiles)))).first()
        assert shifts is not None
        terms = _weighted(terms, regression.coefficients.toArray() * label_deviation)
        return _sealed(terms, label_mean, list(shifts[0]), plan)

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        terms = [Term(**term) for term in content["terms"]]
        return _LinearScorer(Signature.read(content["signature"]), terms, content["intercept"], content["shifts"])


class _LinearScorer(Scorer):
    def __init__(self, signature: Signature, terms: list[Term], intercept: float, shifts: list[float]) -> None:
        super().__init__(signature)
        self._terms, self._intercept, self._shifts = terms, intercept, np.array(shifts)

    def quantiles(self, examples: pa.Table) -> Values:
        values = matrix(examples, self.signature.features, self.signature.steps)
        columns = dict(zip(self.signature.features, values.T, strict=True))
        return _predicted(self._terms, self._intercept, columns)[:, None] + self._shifts


def _terms(features: Sequence[str], categories: dict[str, list[float]]) -> list[Term]:
    """The first value of a category is the one that all others are measured against: it has no column."""
    return [
        Term(feature, value)
        for feature in features
        for value in (categories[feature][1:] if feature in categories else (None,))
    ]


def _moments(known: Values) -> tuple[float, float]:
    return (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)


def _standardising(terms: list[Term], moments: Sequence[tuple[float, float]]) -> list[Term]:
    """The terms that vary, with their mean and deviation."""
    pairs = zip(terms, moments, strict=True)
    return [Term(term.feature, term.value, mean, deviation) for term, (mean, deviation) in pairs if deviation > 0.0]


def _weighted(terms: list[Term], weights: npt.NDArray[np.floating]) -> list[Term]:
    pairs = zip(terms, weights, strict=True)
    return [Term(term.feature, term.value, term.mean, term.deviation, float(weight)) for term, weight in pairs]


def _predicted(terms: list[Term], intercept: float, columns: dict[str, Values]) -> Values:
    """Column by column: a matrix product's last bits would depend on how many rows are scored together."""
    total = np.full(len(next(iter(columns.values()))), intercept)
    for term in terms:
        total = total + term.coefficient * term.standardised(columns[term.feature])
    return total


def _sealed(terms: list[Term], intercept: float, error_quantiles: list[float], plan: FitPlan) -> FitResult:
    shifts = [0.0 if q == 0.5 else shift for q, shift in zip(plan.quantiles, error_quantiles, strict=True)]
    content = {
        "signature": Signature.of(plan).json(),
        "intercept": intercept,
        "terms": [asdict(term) for term in terms],
        "shifts": shifts,
    }
    importance = {term.name: abs(term.coefficient) for term in terms}
    return FitResult(model=json.dumps(content, sort_keys=True).encode(), format="json", importance=importance)
