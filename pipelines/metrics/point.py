"""Errors of a point forecast, in the label's unit; rows without an actual value do not count."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]


def mae(actual: Values, predicted: Values) -> float:
    """Mean absolute error."""
    return float(np.mean(np.abs(_errors(actual, predicted))))


def rmse(actual: Values, predicted: Values) -> float:
    """Root of the mean squared error."""
    return float(np.sqrt(np.mean(_errors(actual, predicted) ** 2)))


def bias(actual: Values, predicted: Values) -> float:
    """Mean of predicted − actual: positive where the forecast is too high."""
    return float(np.mean(_errors(actual, predicted)))


def skill(metric: float, naive: float) -> float:
    """The part of the naive metric that the model saves: 1 is perfect, 0 no better, negative worse than naive."""
    if naive == 0.0:
        return 0.0 if metric == 0.0 else -np.inf
    return 1.0 - metric / naive


def _errors(actual: Values, predicted: Values) -> Values:
    """predicted − actual where the actual value is known. A missing prediction stays NaN, and so does its metric:
    a model that leaves out the hard rows must not look better for it."""
    if actual.shape != predicted.shape:
        raise ValueError(f"metrics: {actual.shape} actual values for {predicted.shape} predictions")
    errors = (predicted - actual)[~np.isnan(actual)]
    if not len(errors):
        raise ValueError("metrics: no row has an actual value")
    return errors
