"""Losses of quantile forecasts, and the shifts that make them honest."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pipelines.contracts.fits import Calibration
from pipelines.contracts.tasks import Share, Span

Values = npt.NDArray[np.float64]


def pinball(actual: Values, predicted: Values, quantile: float) -> float:
    """Mean pinball loss of one quantile, in the label's unit; at 0.5 it is half the mean absolute error
    (Koenker and Bassett 1978)."""
    short = (actual - predicted)[~np.isnan(actual)]
    return float(np.mean(np.maximum(quantile * short, (quantile - 1.0) * short)))


def mean_pinball(actual: Values, predicted: Mapping[float, Values]) -> float:
    """The mean over all quantiles of their pinball losses."""
    return float(np.mean([pinball(actual, values, quantile) for quantile, values in predicted.items()]))


def coverage(actual: Values, low: Values, high: Values) -> float:
    """The fraction of actual values within [low, high]."""
    known = ~np.isnan(actual)
    return float(np.mean((low <= actual)[known] & (actual <= high)[known]))


def width(low: Values, high: Values) -> float:
    """Mean width of the intervals, in the label's unit."""
    return float(np.mean(high - low))


def calibrate(actual: Values, predicted: Mapping[float, Values], span: Span | Share) -> Calibration:
    """Per quantile the shift after which the right fraction of the span's actual values lies below it.

    Below 0.5 the shift is rounded down, above up, to the next error seen, with the finite-sample correction (n + 1), so
    intervals rather widen; with too few rows for that it is the greatest error seen. 0.5 stays.
    Split conformal, per quantile: Romano, Patterson and Candès 2019, asymmetric form.
    """
    known = ~np.isnan(actual)
    if not known.any():
        raise ValueError(f"calibration on {span}: no row has an actual value")
    shifts = {
        quantile: 0.0 if quantile == 0.5 else shift((actual - values)[known], quantile, is_upper=quantile > 0.5)
        for quantile, values in predicted.items()
    }
    return Calibration(shifts, str(span))


def shift(errors: Values, level: float, *, is_upper: bool) -> float:
    """How far to move a quantile so that the part `level` of these errors (actual − predicted) lies below it. is_upper:
    whether to round up, as for a quantile above 0.5, or down."""
    n = len(errors)
    rank = round(level * (n + 1), 9)  # 0.7 · 10 is 7.000000000000001, which must not round up to 8
    rank = np.ceil(rank) if is_upper else np.floor(rank)
    place = int(np.clip(rank, 1, n)) - 1
    return float(np.partition(errors, place)[place])
