"""How often the rows of a class count in a fit: a weight of k is as if each of them stood there k times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from pipelines.contracts.fits import FitError, FitPlan
from pipelines.contracts.tasks import ParamValue
from pipelines.models.base import IS_VALIDATION, Param
from pipelines.models.rows import LABEL, Values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipelines.models.nets.crew import Crew

WEIGHT = "weight"
"""The column of rows in Spark that says how often each counts; missing where all count once."""
CLASS_WEIGHT = Param(
    "class_weight",
    str,
    "",
    None,
    "how often rows of a class count: 'balanced', or 'late=3,lost=10' (0 and 1 where a task declares no classes), "
    "others once; it distorts probabilities",
)


def is_weighted(params: Mapping[str, ParamValue], plan: FitPlan) -> bool:
    """Whether the classes count differently; FitError where they shall and a number is asked for."""
    if not params[CLASS_WEIGHT.name]:
        return False
    if not plan.class_count:
        raise FitError(f"{plan.family} by {plan.engine}: 'class_weight' is for probabilities; leave it out")
    return True


def class_weights(params: Mapping[str, ParamValue], plan: FitPlan, counts: Values) -> Values:
    """How often a row of each class counts, by its place. counts: rows of each class in the train span.

    Balanced weights are rows / (classes · rows of the class), of the classes that have rows: so each class counts the
    same, and all rows as many as they are (King and Zeng 2001). FitError where the parameter is not understood.
    """
    text = str(params[CLASS_WEIGHT.name])
    if text == "balanced":
        seen = np.count_nonzero(counts)
        return np.divide(counts.sum(), seen * counts, out=np.ones(len(counts)), where=counts > 0)
    names = plan.classes or ("0", "1")
    weights = np.ones(len(names))
    for part in text.split(","):
        name, _, told = part.partition("=")
        weight = _number(told)
        if name.strip() not in names or weight is None:
            raise FitError(
                f"{plan.family} by {plan.engine}: class_weight: '{part.strip()}' is no class with a weight above 0; "
                f"write 'balanced', or such as '{names[-1]}=10'. Classes: {', '.join(names)}"
            )
        weights[names.index(name.strip())] = weight
    return weights


def row_weights(params: Mapping[str, ParamValue], plan: FitPlan, labels: Values) -> Values | None:
    """How often each of these rows, all of the train span that have a label, counts; None where all count once."""
    if not is_weighted(params, plan):
        return None
    places = labels.astype(np.int64)
    weights: Values = class_weights(params, plan, counts_of(labels, plan))[places]
    return weights


def with_weights(rows: DataFrame, params: Mapping[str, ParamValue], plan: FitPlan) -> DataFrame:
    """The rows of a fit on Spark with the column WEIGHT, if their classes count differently."""
    from pyspark.sql import functions as F

    if not is_weighted(params, plan):
        return rows
    counts = np.zeros(plan.class_count)
    for label, count in rows.where(~F.col(IS_VALIDATION)).groupBy(LABEL).count().collect():
        counts[int(label)] = count
    weights = F.array(*map(F.lit, class_weights(params, plan, counts).tolist()))
    return rows.withColumn(WEIGHT, weights[F.col(LABEL).cast("int")])


def counts_of(labels: Values, plan: FitPlan) -> Values:
    """How many rows of each class there are."""
    return np.bincount(labels.astype(np.int64), minlength=plan.class_count).astype(np.float64)


def of_a_net(
    params: Mapping[str, ParamValue], plan: FitPlan, labels: Values, crew: Crew
) -> tuple[list[float] | None, list[float]]:
    """How often rows of each class count for a net that gives probabilities, None where all count alike; and the logits
    that it answers with before it has learnt anything: of the classes' shares, each class with half a row more so that
    none is 0; of 1 against 0 where they have no names. labels: of this rank's rows of the train span.

    The weights have a mean of 1 over that span: so a batch counts by its rows, whatever classes they are, and the mean
    of several ranks' batches is that of all their rows.
    """
    counts = crew.total(counts_of(labels, plan))
    weights = None
    if is_weighted(params, plan):
        weights = class_weights(params, plan, counts)
        weights = weights * counts.sum() / (weights * counts).sum()
    shares = (counts if weights is None else weights * counts) + 0.5
    logits = np.log(shares / shares.sum()) if plan.classes else np.log(shares[1:] / shares[:1])
    return None if weights is None else weights.tolist(), logits.tolist()


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number > 0.0 and math.isfinite(number) else None
