"""How good the probabilities of several classes are: which one they name, and how sure of it they are.

actual: the place of each row's class, from 0, NaN where the label is not known: such rows do not count. probabilities:
(rows, classes). A missing one makes the metric NaN: a model that leaves out the hard rows must not look better for it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from sklearn.metrics import f1_score
from sklearn.metrics import log_loss as mean_log_loss

from pipelines.metrics import ranking

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


def named(probabilities: Values) -> Places:
    """The place of the most probable class of each row; of equals the first."""
    return np.argmax(probabilities, axis=1)


def accuracy(actual: Values, probabilities: Values) -> float:
    """The part of rows whose most probable class is theirs."""
    return _metric(lambda labels, given: float(np.mean(named(given) == labels)), actual, probabilities)


def macro_f1(actual: Values, probabilities: Values) -> float:
    """The mean over the classes that occur of the harmonic mean of precision and recall: rare ones count as much."""

    def score(labels: Places, given: Values) -> float:
        return float(f1_score(labels, named(given), labels=np.unique(labels), average="macro", zero_division=0.0))

    return _metric(score, actual, probabilities)


def log_loss(actual: Values, probabilities: Values) -> float:
    """Mean of −ln of the probability that was given to what came; a certainty that was wrong costs 36, not infinity."""

    def score(labels: Places, given: Values) -> float:
        return float(mean_log_loss(labels, given, labels=np.arange(given.shape[1])))

    return _metric(score, actual, probabilities)


def brier(actual: Values, probabilities: Values) -> float:
    """Mean squared distance between the probabilities and the label as a point of the same space (Brier 1950): 0 to
    2."""

    def score(labels: Places, given: Values) -> float:
        return float(np.mean(((given - np.eye(given.shape[1])[labels]) ** 2).sum(axis=1)))

    return _metric(score, actual, probabilities)


def calibration_error(actual: Values, probabilities: Values) -> float:
    """How far the probability of the named class is from how often it was right, over tenths of the rows by it (Guo et
    al. 2017; groups as in `ranking.calibration_error`)."""

    def score(labels: Places, given: Values) -> float:
        return ranking.calibration_error((named(given) == labels) + 0.0, given.max(axis=1))

    return _metric(score, actual, probabilities)


def confusion(actual: Values, probabilities: Values) -> Places:
    """(classes, classes): how many rows of each class, down, were named as each, across."""
    known = ~np.isnan(actual)
    counts = np.zeros((probabilities.shape[1],) * 2, np.int64)
    np.add.at(counts, (actual[known].astype(np.int64), named(probabilities[known])), 1)
    return counts


def _metric(score: Callable[[Places, Values], float], actual: Values, probabilities: Values) -> float:
    if len(actual) != len(probabilities):
        raise ValueError(f"metrics: {len(actual)} actual values for {len(probabilities)} predictions")
    known = ~np.isnan(actual)
    if not known.any():
        raise ValueError("metrics: no row has an actual value")
    labels, given = actual[known].astype(np.int64), probabilities[known]
    return float("nan") if np.isnan(given).any() else score(labels, given)
