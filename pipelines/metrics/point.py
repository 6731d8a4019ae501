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


def r2(actual: Values, predicted: Values) -> float:
    """1 less the squared errors over those of the actual values' own mean: 1 is perfect, 0 no better than that mean.

    NaN where all actual values are alike, since their mean is then never wrong.
    """
    errors, known = _errors(actual, predicted), actual[~np.isnan(actual)]
    spread = float(np.sum((known - known.mean()) ** 2))
    return 1.0 - float(np.sum(errors**2)) / spread if spread > 0.0 else float("nan")


def mape(actual: Values, predicted: Values) -> float:
    """Mean of |error| / |actual|, as a share: 0.05 is five percent. NaN where some actual value is zero."""
    errors, known = _errors(actual, predicted), actual[~np.isnan(actual)]
    return float(np.mean(np.abs(errors / known))) if known.all() else float("nan")


def smape(actual: Values, predicted: Values) -> float:
    """Mean of |error| over the mean of |actual| and |predicted|, from 0 to 2; where both are zero it is 0 (Makridakis
    1993)."""
    errors, known = _errors(actual, predicted), actual[~np.isnan(actual)]
    size = (np.abs(known) + np.abs(known + errors)) / 2
    return float(np.mean(np.divide(np.abs(errors), size, out=np.zeros_like(size), where=size != 0.0)))


def mase(actual: Values, predicted: Values, scale: float) -> float:
    """Mean absolute error over `scale`, that of the naive forecast on the train span; below 1 it errs less than that
    (Hyndman and Koehler 2006). NaN where the naive forecast never erred."""
    return mae(actual, predicted) / scale if scale > 0.0 else float("nan")


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
