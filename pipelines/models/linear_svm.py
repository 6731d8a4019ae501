"""Linear support vector machines on standardised features."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Classify, Estimate, Forecast, Task
from pipelines.models.base import IS_VALIDATION, Param, Scorer, Signature
from pipelines.models.class_weights import CLASS_WEIGHT, WEIGHT
from pipelines.models.labels import check_in_spark, labelled, no_label
from pipelines.models.one_against_rest import OneAgainstRest
from pipelines.models.platt import MARGIN, Curve, learnt, learnt_in_spark
from pipelines.models.rows import LABEL, Values, matrix
from pipelines.models.terms import Term, design, standardising, standardising_in_spark, weighted, weighted_sum

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class LinearSVM(OneAgainstRest):
    """A probability by the widest margin between two labels (Cortes and Vapnik 1995), or a number by least absolute
    errors beyond a tolerance (Drucker et al. 1996): sums over standardised features.

    The penalty is λ/2 · |w|² against the mean loss, as pyspark.ml's LinearSVC has it; scikit-learn's C is
    1 / (rows · λ), and it penalises the intercept as one more weight, which pyspark.ml leaves free (measured: 0.02 of
    1.4). Margins are no probabilities: a logistic curve over them is learnt on the validate span, which mends the
    intercept too. There all rows count once, so `class_weight` moves the margin and distorts no probability.

    For numbers there is scikit-learn alone, in one process, whose solver goes through all rows again and again.
    Without a tolerance it finds the median, the point forecast; the other quantiles are the point plus the training
    errors' quantiles.
    """

    name = "linear_svm"
    engines = ("spark_ml", "single")
    tasks = (Forecast, Estimate, Classify)
    params = (
        Param("ridge", float, 1e-3, (1e-5, 1e-4, 1e-3, 1e-2), "penalty λ on the standardised coefficients"),
        CLASS_WEIGHT,
        Param("tolerance", float, 0.0, (0.0, 0.1), "for numbers: errors that cost nothing, in the label's deviations"),
        Param("most_rows", int, 200_000, None, "for numbers: more training rows are refused"),
    )

    def engines_for(self, task: Task) -> tuple[str, ...]:
        return ("single",) if task.quantiles else self.engines

    def fit_one(
        self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder, weights: Values | None
    ) -> FitResult:
        values, labels = labelled(train, plan, "train")
        params = self.settled(plan.params)
        columns = dict(zip(plan.frame.features, values.T, strict=True))
        if plan.quantiles:
            return self._number(columns, labels, plan)
        from sklearn.svm import LinearSVC

        judged, outcomes = labelled(validate, plan, "validate")
        for span, of_span in (("train", labels), ("validate", outcomes)):
            _check_both(int(of_span.sum()), len(of_span), span, plan)
        terms = standardising(columns, plan, weights)
        weights = np.ones(len(labels)) if weights is None else weights
        machine = LinearSVC(loss="hinge", C=_strength(weights.sum(), params), max_iter=100_000, random_state=plan.seed)
        machine.fit(design(terms, columns), labels, sample_weight=weights)
        terms, intercept = weighted(terms, machine.coef_[0]), float(machine.intercept_[0])
        margins = weighted_sum(terms, intercept, dict(zip(plan.frame.features, judged.T, strict=True)))
        return _sealed(terms, intercept, {"curve": asdict(learnt(margins, outcomes))}, plan)

    def fit_one_on_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        if plan.quantiles:
            raise FitError(
                f"{plan.family} by {plan.engine}: pyspark.ml has no support vector machine for numbers; set "
                f"training.engines.{plan.family} to single, or take the family linear"
            )
        from pyspark.ml.classification import LinearSVC
        from pyspark.ml.feature import VectorAssembler
        from pyspark.sql import functions as F

        check_in_spark(rows, plan)
        counted = rows.groupBy(IS_VALIDATION).agg(F.sum(LABEL), F.count("*")).collect()
        counts = {is_validation: (int(ones), count) for is_validation, ones, count in counted}
        if True not in counts:
            raise no_label(plan, "validate")
        for span, is_validation in (("train", False), ("validate", True)):
            _check_both(*counts[is_validation], span, plan)
        params = self.settled(plan.params)
        train, validate = rows.where(~F.col(IS_VALIDATION)), rows.where(IS_VALIDATION)
        terms = standardising_in_spark(train, plan)
        columns = [term.standardised_in_spark().alias(f"_{j}") for j, term in enumerate(terms)]
        weight = F.col(WEIGHT) if WEIGHT in rows.columns else F.lit(1.0).alias(WEIGHT)
        standard = train.select(*columns, LABEL, weight)
        machine = LinearSVC(
            featuresCol="design",
            labelCol=LABEL,
            weightCol=WEIGHT,
            regParam=float(params["ridge"]),
            standardization=False,
        ).fit(VectorAssembler(inputCols=standard.columns[:-2], outputCol="design").transform(standard))
        terms, intercept = weighted(terms, machine.coefficients.toArray()), float(machine.intercept)
        parts = [term.coefficient * term.standardised_in_spark() for term in terms]
        margins = validate.select(sum(parts, F.lit(intercept)).alias(MARGIN), LABEL)
        return _sealed(terms, intercept, {"curve": asdict(learnt_in_spark(margins, *counts[True]))}, plan)

    def scorer_of_one(self, model: bytes) -> Scorer:
        return _LinearSVMScorer(json.loads(model))

    def _number(self, columns: dict[str, Values], labels: Values, plan: FitPlan) -> FitResult:
        from sklearn.svm import LinearSVR

        params = self.settled(plan.params)
        if len(labels) > int(params["most_rows"]):
            raise FitError(
                f"{plan.family} by {plan.engine}: {len(labels):,} training rows are more than most_rows "
                f"({params['most_rows']:,}); take the family linear, or train on a shorter span"
            )
        terms = standardising(columns, plan)
        mean, deviation = float(labels.mean()), float(labels.std()) or 1.0
        machine = LinearSVR(
            epsilon=params["tolerance"],
            C=_strength(len(labels), params),
            max_iter=100_000,
            random_state=plan.seed,
        ).fit(design(terms, columns), (labels - mean) / deviation)
        terms = weighted(terms, machine.coef_ * deviation)
        intercept = mean + deviation * float(machine.intercept_[0])
        errors = labels - weighted_sum(terms, intercept, columns)
        shifts = [0.0 if q == 0.5 else float(np.quantile(errors, q)) for q in plan.quantiles]
        return _sealed(terms, intercept, {"shifts": shifts}, plan)


class _LinearSVMScorer(Scorer):
    def __init__(self, content: dict[str, Any]) -> None:
        super().__init__(Signature.read(content["signature"]))
        self._terms, self._intercept = [Term(**term) for term in content["terms"]], content["intercept"]
        self._shifts = np.array(content.get("shifts", ()))
        self._curve = Curve(**content["curve"]) if "curve" in content else None

    def outputs(self, examples: pa.Table) -> Values:
        values = matrix(examples, self.signature.features, self.signature.steps)
        columns = dict(zip(self.signature.features, values.T, strict=True))
        found = weighted_sum(self._terms, self._intercept, columns)
        return found[:, None] + self._shifts if self._curve is None else self._curve.probability(found)


def _strength(rows: float, params: dict[str, Any]) -> float:
    """scikit-learn's C, which no penalty at all would make infinite."""
    return 1.0 / (rows * max(float(params["ridge"]), 1e-11))


def _check_both(ones: int, count: int, span: str, plan: FitPlan) -> None:
    if ones in (0, count):
        raise FitError(
            f"{plan.family} by {plan.engine}: every label of the {span} span is {ones // count:g}, so there is nothing "
            "to tell apart; take a longer span"
        )


def _sealed(terms: list[Term], intercept: float, ending: dict[str, Any], plan: FitPlan) -> FitResult:
    content = {
        "signature": Signature.of(plan).json(),
        "intercept": intercept,
        "terms": [asdict(term) for term in terms],
    }
    importance = {term.name: abs(term.coefficient) for term in terms}
    return FitResult(model=json.dumps(content | ending, sort_keys=True).encode(), format="json", importance=importance)
