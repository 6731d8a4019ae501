"""Margins as probabilities (Platt 1999): a logistic curve over them, learnt on rows that they were not learnt on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.models.rows import LABEL, Values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

MARGIN = "margin"


@dataclass(frozen=True)
class Curve:
    """The log odds are slope · margin + intercept."""

    slope: float
    intercept: float

    def probability(self, margins: Values) -> Values:
        with np.errstate(over="ignore"):  # beyond 709 the probability is 0 anyway
            return np.asarray(1.0 / (1.0 + np.exp(-(self.slope * margins + self.intercept))), np.float64)


def learnt(margins: Values, labels: Values) -> Curve:
    """Greatest likelihood for Platt's targets: a row counts for both outcomes, by how far its label is to be believed,
    so that labels which margins tell apart for certain make no infinite slope."""
    from sklearn.linear_model import LogisticRegression

    target_of_0, target_of_1 = _targets(int(labels.sum()), len(labels))
    targets = np.where(labels == 1.0, target_of_1, target_of_0)
    regression = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-9).fit(
        np.tile(margins, 2)[:, None],
        np.repeat([1.0, 0.0], len(margins)),
        sample_weight=np.concatenate([targets, 1.0 - targets]),
    )
    return Curve(float(regression.coef_[0, 0]), float(regression.intercept_[0]))


def learnt_in_spark(rows: DataFrame, ones: int, count: int) -> Curve:
    """As `learnt`, of rows with `margin` and `label`, so many of them and so many of these labelled 1."""
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    from pyspark.sql import functions as F

    target_of_0, target_of_1 = _targets(ones, count)
    target = F.when(F.col(LABEL) == 1.0, target_of_1).otherwise(target_of_0)
    outcomes = F.array(
        F.struct(F.lit(1.0).alias("outcome"), target.alias("weight")),
        F.struct(F.lit(0.0).alias("outcome"), (1.0 - target).alias("weight")),
    )
    both = rows.select(MARGIN, F.inline(outcomes))
    regression = LogisticRegression(
        featuresCol="design", labelCol="outcome", weightCol="weight", tol=1e-9, maxIter=200
    ).fit(VectorAssembler(inputCols=[MARGIN], outputCol="design").transform(both))
    return Curve(float(regression.coefficients[0]), float(regression.intercept))


def _targets(ones: int, count: int) -> tuple[float, float]:
    """What to believe of a label 0, and of a label 1: the mean after one more row of each was seen."""
    return 1.0 / (count - ones + 2.0), (ones + 1.0) / (ones + 2.0)
