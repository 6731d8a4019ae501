"""How sure a figure is: its periods drawn anew in blocks of time, since errors of one day are like those of the next.

A backtest's rows are counted by period, and a draw says how often each period counts: so two thousand draws of a figure
are one product of matrices, whatever the number of rows, and all figures are drawn alike, so differences are paired.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, stdtrit

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

DRAWS = 2000
LEVEL = 0.95
MOST_GROUPS = 500
"""Rows without a time are drawn in so many groups at most, made by chance."""
_FEWEST_DAYS = 20
_DAY_US, _HOUR_US = 86_400_000_000, 3_600_000_000
_SEED = 1989


@dataclass(frozen=True)
class Draws:
    """counts: (draws, periods), how often each period counts in each draw. blocks: how many blocks the periods hold."""

    counts: Values
    blocks: float


def periods(cut_at_us: Places) -> Places:
    """Each row's period, from 0 in time order: the UTC day of its cut-off, or the hour where there are few days.

    cut_at_us: microseconds since 1970. Periods without a row are none."""
    _, days = np.unique(cut_at_us // _DAY_US, return_inverse=True)
    if len(days) and days.max() + 1 >= _FEWEST_DAYS:
        return days
    _, hours = np.unique(cut_at_us // _HOUR_US, return_inverse=True)
    return hours


def groups(rows: int) -> Places:
    """A period for each of the rows that have no time: up to MOST_GROUPS equally large ones, by chance."""
    return np.random.default_rng(_SEED).permutation(rows) % min(rows, MOST_GROUPS)


def drawn(count: int, block: float, draws: int = DRAWS) -> Draws:
    """Periods drawn in blocks of random length, `block` on average, the last one followed by the first (stationary
    bootstrap: Politis and Romano 1994, after Künsch's blocks of 1989). The same every time.

    count: of periods; block: 1 draws each period by itself.
    """
    chance = np.random.default_rng(_SEED)
    begins = chance.random((draws, count)) < 1.0 / block
    begins[:, 0] = True
    at = np.arange(count)
    begun = np.maximum.accumulate(np.where(begins, at, 0), axis=1)
    starts = chance.integers(count, size=(draws, count))
    places = (np.take_along_axis(starts, begun, axis=1) + at - begun) % count
    flat = (np.arange(draws)[:, None] * count + places).ravel()
    counts = np.bincount(flat, minlength=draws * count).reshape(draws, count)
    return Draws(counts.astype(np.float64), count / block)


def block_length(series: Values) -> float:
    """How many periods a block should have on average, from how long what is seen in one is felt in later ones (Politis
    and White 2004, as corrected by Patton, Politis and White 2009); at least 1, at most a third of all.

    series: one value a period, in time order.
    """
    count = len(series)
    off = series - series.mean()
    if count < 9 or not off.any():
        return 1.0
    in_a_row = max(5, math.ceil(math.sqrt(math.log10(count))))
    most = min(math.ceil(math.sqrt(count)) + in_a_row, count - 1)
    covariance = np.array([off[lag:] @ off[: count - lag] for lag in range(most + 1)]) / count
    is_felt = np.abs(covariance[1:] / covariance[0]) >= 2.0 * math.sqrt(math.log10(count) / count)
    # the first lag after which none of the next few is felt; without one, the last that is
    quiet = [lag for lag in range(most - in_a_row + 1) if not is_felt[lag : lag + in_a_row].any()]
    felt = quiet[0] if quiet else int(np.flatnonzero(is_felt)[-1]) + 1
    lags = np.arange(1, min(2 * max(felt, 1), most) + 1)
    weights = np.clip(2.0 * (1.0 - lags / lags[-1]), 0.0, 1.0)
    spectrum = covariance[0] + 2.0 * float(weights @ covariance[lags])
    slope = 2.0 * float((weights * lags) @ covariance[lags])
    length = (slope**2 / spectrum**2 * count) ** (1.0 / 3.0) if spectrum != 0.0 else 1.0
    return float(np.clip(length, 1.0, min(3.0 * math.sqrt(count), count / 3.0)))


def interval(found: Values, blocks: float) -> tuple[float, float]:
    """The span that holds the true value in 19 of 20 cases, from what the draws gave.

    Percentiles, taken further out the fewer blocks there are, as Student's t is wider than the normal (expanded
    percentiles: Hesterberg 2015). NaN where fewer than half of the draws define the figure, or there are no two blocks.
    """
    defined = found[np.isfinite(found)]
    if len(defined) < len(found) / 2 or blocks < 2.0:
        return math.nan, math.nan
    reach = math.sqrt(blocks / (blocks - 1.0)) * float(stdtrit(blocks - 1.0, (1.0 + LEVEL) / 2.0))
    low, high = np.quantile(defined, [ndtr(-reach), ndtr(reach)])
    return float(low), float(high)
