"""Logistic regression on standardised features."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Classify
from pipelines.models.base import IS_VALIDATION, Param, RowsFamily, Scorer, Signature
from pipelines.models.labels import check_in_spark, labelled
from pipelines.models.rows import LABEL, Values, matrix
from pipelines.models.terms import Term, design, standardising, standardising_in_spark, weighted, weighted_sum

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Logistic(RowsFamily):
    """The log odds as a sum over standardised features, by greatest likelihood with a small ridge penalty.

    The penalty is λ/2 · |w|² against the mean log loss, the intercept left free (as pyspark.ml's LogisticRegression has
    it; scikit-learn's C is 1 / (rows · λ)), so both engines solve one problem. A label in a hundred moves the mean log
    loss a hundredth as much as one in two, hence a λ much smaller than that of `linear`.
    """

    name = "logistic"
    engines = ("spark_ml", "single")
    tasks = (Classify,)
    params = (Param("ridge", float, 1e-4, (1e-6, 1e-5, 1e-4, 1e-3), "penalty λ on the standardised coefficients"),)

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        from sklearn.linear_model import LogisticRegression

        values, labels = labelled(train, plan, "train")
        _check_both(float(labels.mean()), plan)
        columns = dict(zip(plan.frame.features, values.T, strict=True))
        terms = standardising(columns, plan)
        strength = len(labels) * float(self.settled(plan.params)["ridge"])
        regression = LogisticRegression(
            C=1.0 / strength if strength else np.inf, solver="newton-cholesky", tol=1e-9, max_iter=100
        ).fit(design(terms, columns), labels)
        return _sealed(weighted(terms, regression.coef_[0]), float(regression.intercept_[0]), plan)

    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pyspark.ml.classification import LogisticRegression
        from pyspark.ml.feature import VectorAssembler
        from pyspark.sql import functions as F

        check_in_spark(rows, plan)
        rows = rows.where(~F.col(IS_VALIDATION))
        mean = rows.agg(F.avg(LABEL)).first()
        assert mean is not None, "an aggregate without groups has one row"
        _check_both(mean[0], plan)
        terms = standardising_in_spark(rows, plan)
        standard = rows.select(*[term.standardised_in_spark().alias(f"_{j}") for j, term in enumerate(terms)], LABEL)
        assembled = VectorAssembler(inputCols=standard.columns[:-1], outputCol="design").transform(standard)
        regression = LogisticRegression(
            featuresCol="design",
            labelCol=LABEL,
            regParam=float(self.settled(plan.params)["ridge"]),
            standardization=False,
            tol=1e-9,
            maxIter=200,
        ).fit(assembled)
        return _sealed(weighted(terms, regression.coefficients.toArray()), float(regression.intercept), plan)

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        terms = [Term(**term) for term in content["terms"]]
        return _LogisticScorer(Signature.read(content["signature"]), terms, content["intercept"])


class _LogisticScorer(Scorer):
    def __init__(self, signature: Signature, terms: list[Term], intercept: float) -> None:
        super().__init__(signature)
        self._terms, self._intercept = terms, intercept

    def outputs(self, examples: pa.Table) -> Values:
        values = matrix(examples, self.signature.features, self.signature.steps)
        columns = dict(zip(self.signature.features, values.T, strict=True))
        return _probability(weighted_sum(self._terms, self._intercept, columns))


def _probability(log_odds: Values) -> npt.NDArray[np.float64]:
    with np.errstate(over="ignore"):  # beyond 709 the probability is 0 anyway
        return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), np.float64)


def _check_both(mean: float, plan: FitPlan) -> None:
    """With one label alone the likelihood grows without end."""
    if mean in (0.0, 1.0):
        raise FitError(
            f"{plan.family} by {plan.engine}: every label of the train span is {mean:g}, so there is nothing to tell "
            "apart; train on a longer span"
        )


def _sealed(terms: list[Term], intercept: float, plan: FitPlan) -> FitResult:
    content = {
        "signature": Signature.of(plan).json(),
        "intercept": intercept,
        "terms": [asdict(term) for term in terms],
    }
    importance = {term.name: abs(term.coefficient) for term in terms}
    return FitResult(model=json.dumps(content, sort_keys=True).encode(), format="json", importance=importance)
