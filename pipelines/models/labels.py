"""The rows that can be learnt from: those whose label is known, if it is one that the task can have.

Rows of a rare label count no more than others by default, in every family: with weights, a thing would be told as more
probable than it is, and what is decided by a probability would go wrong. Whoever wants them says so (`class_weights`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitError, FitPlan
from pipelines.contracts.tasks import MOST_RELEVANT
from pipelines.models.base import IS_VALIDATION
from pipelines.models.rows import LABEL, Values, matrix

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def unlabelled(examples: pa.Table, plan: FitPlan, span: str) -> Values:
    """Features (rows, features) of all rows; FitError if there are none. No label is looked at."""
    if not len(examples):
        raise FitError(f"{plan.family} by {plan.engine}: the {span} span has no row")
    return matrix(examples, plan.frame.features, plan.frame.steps)


def labelled(examples: pa.Table, plan: FitPlan, span: str) -> tuple[Values, Values]:
    """Features (rows, features) and labels (rows,) of the rows that have a label; FitError if there are none, and as
    for `known`."""
    values, labels = known(examples, plan)
    if not len(labels):
        raise no_label(plan, span)
    return values, labels


def known(examples: pa.Table, plan: FitPlan) -> tuple[Values, Values]:
    """As `labelled`, but there may be none. FitError where a label is none of those whose probability is asked for."""
    values = matrix(examples, (*plan.frame.features, LABEL), plan.frame.steps)
    values = values[~np.isnan(values[:, -1])]
    labels = values[:, -1]
    check_classes(labels, plan)
    return np.ascontiguousarray(values[:, :-1]), labels


def check_classes(labels: Values, plan: FitPlan) -> None:
    """FitError where a label is none of those whose probability is asked for, or no relevance where an order is."""
    places = _places(plan)
    wrong = ~np.isin(labels, np.arange(places)) if places else np.zeros(len(labels), np.bool_)
    if wrong.any():
        raise _no_probability(plan, labels[wrong][0])


def check_in_spark(rows: DataFrame, plan: FitPlan) -> None:
    """What `labelled` refuses, for a fit on Spark."""
    from pyspark.sql import functions as F

    places = _places(plan)
    wrong = F.max(F.when(~F.col(LABEL).isin(*map(float, range(places))), F.col(LABEL)))
    seen = rows.agg(F.count_if(~F.col(IS_VALIDATION)), wrong).first()
    assert seen is not None, "an aggregate without groups has one row"
    train_rows, wrong_label = seen
    if not train_rows:
        raise no_label(plan, "train")
    if places and wrong_label is not None:
        raise _no_probability(plan, wrong_label)


def _places(plan: FitPlan) -> int:
    """The label is a whole number below this; 0 where it may be any number."""
    return MOST_RELEVANT + 1 if plan.frame.query else plan.class_count


def no_label(plan: FitPlan, span: str) -> FitError:
    if plan.frame.query:
        return FitError(f"{plan.family} by {plan.engine}: no query of the {span} span has a relevant row")
    return FitError(f"{plan.family} by {plan.engine}: no row of the {span} span has a label")


def _no_probability(plan: FitPlan, label: float) -> FitError:
    if plan.classes:
        return FitError(
            f"{plan.family} by {plan.engine}: a value of '{plan.frame.label}' is none of the task's classes: "
            f"{', '.join(plan.classes)}. Declare it, or quarantine such records by an expectation"
        )
    if plan.frame.query:
        return FitError(
            f"{plan.family} by {plan.engine}: '{plan.frame.label}' says how relevant a row is, which is a whole number "
            f"from 0 to {MOST_RELEVANT}; found {label:g}. Quarantine such records by an expectation"
        )
    return FitError(
        f"{plan.family} by {plan.engine}: '{plan.frame.label}' must be 0 or 1 where its probability is asked for, "
        f"found {label:g}; a number is asked for by an Estimate with quantiles"
    )
