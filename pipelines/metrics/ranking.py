"""How good predicted probabilities are: order (AUC, average precision, recall), the decision at one half (accuracy,
F1) and honesty (log loss, Brier score, calibration error).

actual: 0.0 or 1.0, NaN where the label is not known: such rows do not count. A missing probability makes the metric
NaN: a model that leaves out the hard rows must not look better for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as mean_log_loss

from pipelines.metrics.groups import mean_of, tenths

Values = npt.NDArray[np.float64]


def auc(actual: Values, probability: Values) -> float:
    """In what part of all pairs of a 1 and a 0 the 1 is the more probable; ties count half. Chance gives 0.5.

    Raises ValueError where only one of the two is there.
    """
    return _metric(roc_auc_score, *_both(actual, probability))


def average_precision(actual: Values, probability: Values) -> float:
    """The area under the precision–recall curve, as steps; chance gives the base rate.

    Raises ValueError where only one of the two labels is there.
    """
    return _metric(average_precision_score, *_both(actual, probability))


def recall_at(actual: Values, score: Values, share: float) -> float:
    """The part of the 1 that are among this share of all rows, those with the greatest scores; ties count in part."""

    def found(labels: Values, given: Values) -> float:
        flagged = share * len(given)
        limit = np.sort(given)[::-1][max(math.ceil(flagged) - 1, 0)]
        above, level = given > limit, given == limit
        part = (flagged - above.sum()) / level.sum()
        return float((labels[above].sum() + part * labels[level].sum()) / labels.sum())

    return _metric(found, *_both(actual, score))


def log_loss(actual: Values, probability: Values) -> float:
    """Mean of −ln of the probability that was given to what came; a certainty that was wrong costs 36, not infinity."""
    return _metric(lambda *known: mean_log_loss(*known, labels=[0.0, 1.0]), *_known(actual, probability))


def brier(actual: Values, probability: Values) -> float:
    """Mean squared distance between probability and label (Brier 1950)."""
    return _metric(brier_score_loss, *_known(actual, probability))


def accuracy(actual: Values, probability: Values) -> float:
    """The part of rows that are named rightly where one half and more is named 1."""
    return _metric(lambda labels, given: float(np.mean((given >= 0.5) == labels)), *_known(actual, probability))


def f1(actual: Values, probability: Values) -> float:
    """The harmonic mean of precision and recall of the 1, where one half and more is named 1; 0 where none is found."""

    def score(labels: Values, given: Values) -> float:
        named = given >= 0.5
        all_named = float(named.sum() + labels.sum())
        return 2.0 * float(labels[named].sum()) / all_named if all_named else 0.0

    return _metric(score, *_known(actual, probability))


def calibration_error(actual: Values, probability: Values) -> float:
    """How far what was told is from what came, on average over tenths of the rows by their probability, each by its
    rows (expected calibration error: Naeini, Cooper and Hauskrecht 2015; groups of equal size: Nixon et al. 2019)."""

    def score(labels: Values, given: Values) -> float:
        group = tenths(given)
        off = np.abs(mean_of(labels, group) - mean_of(given, group))
        return float(np.average(off, weights=np.bincount(group)))

    return _metric(score, *_known(actual, probability))


def base_rate(actual: Values) -> float:
    """The part of known labels that are 1."""
    labels, _ = _known(actual, actual)
    return float(np.mean(labels))


def _metric(score: Callable[[Values, Values], float], actual: Values, probability: Values) -> float:
    return float("nan") if np.isnan(probability).any() else float(score(actual, probability))


def _known(actual: Values, probability: Values) -> tuple[Values, Values]:
    if actual.shape != probability.shape:
        raise ValueError(f"metrics: {actual.shape} actual values for {probability.shape} predictions")
    known = ~np.isnan(actual)
    if not known.any():
        raise ValueError("metrics: no row has an actual value")
    return actual[known], probability[known]


def _both(actual: Values, probability: Values) -> tuple[Values, Values]:
    labels, given = _known(actual, probability)
    if (labels == labels[0]).all():
        raise ValueError(f"metrics: all {len(labels)} labels are {labels[0]:g}, so there is no order to judge")
    return labels, given
