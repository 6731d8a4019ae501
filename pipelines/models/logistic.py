"""Logistic regression on standardised features."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Classify
from pipelines.models.base import IS_VALIDATION, Param, RowsFamily, Scorer, Signature
from pipelines.models.class_weights import CLASS_WEIGHT, WEIGHT, row_weights, with_weights
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


class Logistic(RowsFamily):
    """The log odds as a sum over standardised features, by greatest likelihood with a small ridge penalty; of several
    classes each has a sum of its own, and the probabilities are their softmax.

    The penalty is λ/2 · |w|² against the mean log loss, the intercept left free (as pyspark.ml's LogisticRegression has
    it; scikit-learn's C is 1 / (rows · λ)), so both engines solve one problem. A label in a hundred moves the mean log
    loss a hundredth as much as one in two, hence a λ much smaller than that of `linear`. A class that no training row
    has gets the probability 0.
    """

    name = "logistic"
    engines = ("spark_ml", "single")
    tasks = (Classify,)
    tells_classes = True
    params = (
        Param("ridge", float, 1e-4, (1e-6, 1e-5, 1e-4, 1e-3), "penalty λ on the standardised coefficients"),
        CLASS_WEIGHT,
    )

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        from sklearn.linear_model import LogisticRegression

        values, labels = labelled(train, plan, "train")
        seen = _several(np.unique(labels).tolist(), plan)
        columns = dict(zip(plan.frame.features, values.T, strict=True))
        params = self.settled(plan.params)
        weights = row_weights(params, plan, labels)
        terms = standardising(columns, plan, weights)
        strength = (len(labels) if weights is None else weights.sum()) * float(params["ridge"])
        regression = LogisticRegression(
            C=1.0 / strength if strength else np.inf, solver="newton-cholesky", tol=1e-9, max_iter=100
        ).fit(design(terms, columns), labels, sample_weight=weights)
        return _sealed(terms, regression.coef_, regression.intercept_, seen, plan)

    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pyspark.ml.classification import LogisticRegression
        from pyspark.ml.feature import VectorAssembler
        from pyspark.sql import functions as F

        check_in_spark(rows, plan)
        params = self.settled(plan.params)
        rows = with_weights(rows, params, plan)
        rows = rows.where(~F.col(IS_VALIDATION))
        labels = rows.agg(F.sort_array(F.collect_set(LABEL))).first()
        assert labels is not None, "an aggregate without groups has one row"
        seen = _several(labels[0], plan)
        terms = standardising_in_spark(rows, plan)
        place = (F.array_position(F.array(*map(F.lit, labels[0])), F.col(LABEL)) - 1).cast("double").alias(LABEL)
        columns = [term.standardised_in_spark().alias(f"_{j}") for j, term in enumerate(terms)]
        weights = [WEIGHT] if WEIGHT in rows.columns else []
        standard = rows.select(*columns, place, *weights)
        names = standard.columns[: len(columns)]
        assembled = VectorAssembler(inputCols=names, outputCol="design").transform(standard)
        estimator = LogisticRegression(
            featuresCol="design",
            labelCol=LABEL,
            regParam=float(params["ridge"]),
            standardization=False,
            tol=1e-9,
            maxIter=200,
        )
        if weights:
            estimator.setWeightCol(WEIGHT)
        regression = estimator.fit(assembled)
        coefficients, intercepts = regression.coefficientMatrix.toArray(), regression.interceptVector.toArray()
        return _sealed(terms, coefficients, intercepts, seen, plan)

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        if "terms" in content:  # as told before there were several classes
            content |= {"sums": [{"terms": content["terms"], "intercept": content["intercept"]}], "places": [0, 1]}
        sums = [_Sum([Term(**term) for term in of["terms"]], of["intercept"]) for of in content["sums"]]
        return _LogisticScorer(Signature.read(content["signature"]), sums, content["places"])


@dataclass(frozen=True)
class _Sum:
    """What the log odds of one class are summed from."""

    terms: list[Term]
    intercept: float


class _LogisticScorer(Scorer):
    def __init__(self, signature: Signature, sums: list[_Sum], places: list[int]) -> None:
        super().__init__(signature)
        self._sums, self._places = sums, places

    def outputs(self, examples: pa.Table) -> Values:
        values = matrix(examples, self.signature.features, self.signature.steps)
        columns = dict(zip(self.signature.features, values.T, strict=True))
        log_odds = [weighted_sum(of.terms, of.intercept, columns) for of in self._sums]
        if len(log_odds) == 1:
            log_odds.insert(0, np.zeros(len(values)))  # the odds are those against the first class
        probabilities = _softmax(log_odds)
        if not self.signature.classes:
            return probabilities[1]
        given = np.zeros((len(values), len(self.signature.classes)))
        for place, probability in zip(self._places, probabilities, strict=True):
            given[:, place] = probability
        return given

    def contributions(self, examples: pa.Table) -> Values | None:
        """To the log odds of 1 against 0; of several classes none can be told so."""
        s = self.signature
        if s.classes:
            return None
        values = matrix(encoded(examples, s.encodings), s.features, s.steps)
        return contributions(self._sums[0].terms, s.features, dict(zip(s.features, values.T, strict=True)))


def _softmax(log_odds: list[Values]) -> list[Values]:
    """Element by element, so that a row's bits do not depend on the rows beside it."""
    greatest = np.maximum.reduce(log_odds)
    parts = [np.exp(of - greatest) for of in log_odds]
    whole = np.add.reduce(parts)
    return [part / whole for part in parts]


def _several(labels: list[float], plan: FitPlan) -> list[int]:
    """The places of the labels that are there; with one label alone the likelihood grows without end."""
    if len(labels) < 2:
        raise FitError(
            f"{plan.family} by {plan.engine}: every label of the train span is {labels[0]:g}, so there is nothing to "
            "tell apart; train on a longer span"
        )
    return [int(label) for label in labels]


def _sealed(terms: list[Term], coefficients: Values, intercepts: Values, places: list[int], plan: FitPlan) -> FitResult:
    """coefficients: (sums, terms), one sum for two labels, else one a label."""
    sums = [_Sum(weighted(terms, of), float(free)) for of, free in zip(coefficients, intercepts, strict=True)]
    content = {
        "signature": Signature.of(plan).json(),
        "sums": [asdict(of) for of in sums],
        "places": places,
    }
    importance = {term.name: float(np.abs(coefficients[:, j]).max()) for j, term in enumerate(terms)}
    return FitResult(model=json.dumps(content, sort_keys=True).encode(), format="json", importance=importance)
