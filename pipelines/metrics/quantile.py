"""Losses of quantile forecasts, and the shifts that make them honest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from pipelines.contracts.fits import Calibration
from pipelines.contracts.tasks import Share, Span

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

LEAST_BEYOND = 10
"""With fewer a step's shift would be some days' chance: for quantiles of 10 and 90 % each step needs 100 rows."""


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


def calibrate(
    actual: Values, predicted: Mapping[float, Values], span: Span | Share, step: Places, steps: int
) -> Calibration:
    """Per quantile the shift after which the right fraction of the span's actual values lies below it.

    step: each row's, from 1 to `steps`. Each step has shifts of its own if every one has `least_rows`; `learnt_on` says
    whether they have.

    Below 0.5 the shift is rounded down, above up, to the next error seen, with the finite-sample correction (n + 1), so
    intervals rather widen; with too few rows for that it is the greatest error seen. 0.5 stays.
    Split conformal, per quantile: Romano, Patterson and Candès 2019, asymmetric form.
    """
    known = ~np.isnan(actual)
    if not known.any():
        raise ValueError(f"calibration on {span}: no row has an actual value")
    errors = {quantile: (actual - values)[known] for quantile, values in predicted.items()}
    shifts, learnt_on = {quantile: _shift(of, quantile) for quantile, of in errors.items()}, str(span)
    if steps == 1:
        return Calibration(shifts, learnt_on)
    fewest, needed = int(np.bincount(step[known] - 1, minlength=steps).min()), least_rows(list(predicted))
    if fewest < needed:
        return Calibration(shifts, f"{learnt_on}, all steps together, since one has {fewest} rows, below {needed}")
    of_step = [step[known] == number for number in range(1, steps + 1)]
    by_step = {quantile: tuple(_shift(of[rows], quantile) for rows in of_step) for quantile, of in errors.items()}
    return Calibration(shifts, f"{learnt_on}, each step by itself", by_step)


def least_rows(quantiles: Sequence[float]) -> int:
    """How many errors a shift must be learnt from so that LEAST_BEYOND of them lie beyond the outermost quantile."""
    return math.ceil(round(LEAST_BEYOND / min(min(quantile, 1.0 - quantile) for quantile in quantiles), 9))


def _shift(errors: Values, quantile: float) -> float:
    return 0.0 if quantile == 0.5 else shift(errors, quantile, is_upper=quantile > 0.5)


def shift(errors: Values, level: float, *, is_upper: bool) -> float:
    """How far to move a quantile so that the part `level` of these errors (actual − predicted) lies below it. is_upper:
    whether to round up, as for a quantile above 0.5, or down."""
    n = len(errors)
    rank = round(level * (n + 1), 9)  # 0.7 · 10 is 7.000000000000001, which must not round up to 8
    rank = np.ceil(rank) if is_upper else np.floor(rank)
    place = int(np.clip(rank, 1, n)) - 1
    return float(np.partition(errors, place)[place])
