"""Linear regression on standardised features."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.models.base import IS_VALIDATION, Param, RowsFamily, Scorer, Signature
from pipelines.models.encodings import encoded
from pipelines.models.labels import check_in_spark, labelled
from pipelines.models.rows import LABEL, Values, matrix
from pipelines.models.terms import (
    Term,
    contributions,
    design,
    standardising,
    standardising_in_spark,
    weighted,
    weighted_sum,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


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
        terms = standardising(columns, plan)
        label_mean = float(labels.mean())
        x = design(terms, columns)
        gram = x.T @ x / len(x) + float(self.settled(plan.params)["ridge"]) * np.eye(len(terms))
        weights = np.linalg.solve(gram, x.T @ (labels - label_mean) / len(x))
        terms = weighted(terms, weights)
        errors = labels - weighted_sum(terms, label_mean, columns)
        return _sealed(terms, label_mean, [float(np.quantile(errors, q)) for q in plan.quantiles], plan)

    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pyspark.ml.feature import VectorAssembler
        from pyspark.ml.regression import LinearRegression
        from pyspark.sql import functions as F

        check_in_spark(rows, plan)
        rows = rows.where(~F.col(IS_VALIDATION))
        terms = standardising_in_spark(rows, plan)
        moments = rows.agg(F.avg(LABEL), F.stddev_pop(LABEL)).first()
        assert moments is not None, "an aggregate without groups has one row"
        label_mean, label_deviation = moments[0], moments[1] or 1.0
        columns = [term.standardised_in_spark().alias(f"_{j}") for j, term in enumerate(terms)]
        standard = rows.select(*columns, ((F.col(LABEL) - label_mean) / label_deviation).alias(LABEL))
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
        terms = weighted(terms, regression.coefficients.toArray() * label_deviation)
        return _sealed(terms, label_mean, list(shifts[0]), plan)

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        terms = [Term(**term) for term in content["terms"]]
        return _LinearScorer(Signature.read(content["signature"]), terms, content["intercept"], content["shifts"])


class _LinearScorer(Scorer):
    def __init__(self, signature: Signature, terms: list[Term], intercept: float, shifts: list[float]) -> None:
        super().__init__(signature)
        self._terms, self._intercept, self._shifts = terms, intercept, np.array(shifts)

    def outputs(self, examples: pa.Table) -> Values:
        values = matrix(examples, self.signature.features, self.signature.steps)
        columns = dict(zip(self.signature.features, values.T, strict=True))
        return weighted_sum(self._terms, self._intercept, columns)[:, None] + self._shifts

    def contributions(self, examples: pa.Table) -> Values | None:
        s = self.signature
        values = matrix(encoded(examples, s.encodings), s.features, s.steps)
        return contributions(self._terms, s.features, dict(zip(s.features, values.T, strict=True)))


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
