"""Shifts of quantiles that go on learning after the calibration window: from the newest errors that were known.

Each step ahead has shifts of its own. A period's predictions are moved by what was known when it began, never by more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.metrics.quantile import shift

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

GAMMA = 0.05
"""How far a level moves for a period that missed it in full (Gibbs and Candès 2021 tried 0.005 to 0.05)."""


@dataclass(frozen=True)
class Errors:
    """What is moved, and what it may learn from; one entry a row, ordered by step and then by period.

    errors: (quantiles, rows), actual − predicted. quantiles: their levels. step, period: from 0, periods in time order.
    known: the first period when whose predictions are made the row's label is known. first: the first period that is
    moved; those before are the calibration window.
    """

    errors: Values
    quantiles: tuple[float, ...]
    step: Places
    period: Places
    known: Places
    first: int

    def rows(self, step: int, periods: range) -> slice:
        """The rows of a step in consecutive periods."""
        of_step = slice(*np.searchsorted(self.step, [step, step + 1]))
        begin, end = np.searchsorted(self.period[of_step], [periods.start, periods.stop])
        return slice(of_step.start + begin, of_step.start + end)


def by_step(of: Errors) -> Values:
    """(quantiles, rows): the shifts of the calibration window alone, for each step its own (split conformal)."""
    found, window, later = np.zeros_like(of.errors), range(of.first), range(of.first, int(of.period.max()) + 1)
    for step in np.unique(of.step):
        found[:, of.rows(step, later)] = _shifts(of, of.errors[:, of.rows(step, window)], np.zeros(len(of.quantiles)))
    return found


def rolling(of: Errors) -> Values:
    """The shifts of a window that moves on, always as many periods long as the calibration window."""
    return _moving(of, gamma=0.0)


def adaptive(of: Errors, gamma: float = GAMMA) -> Values:
    """Those of the same window, at a level that rises while too much lies beyond a quantile, and falls while too little
    does (adaptive conformal inference: Gibbs and Candès 2021, for each quantile, all steps of a period at once)."""
    return _moving(of, gamma)


def _moving(of: Errors, gamma: float) -> Values:
    found, off = np.zeros_like(of.errors), np.zeros(len(of.quantiles))
    steps = np.unique(of.step)
    for period in range(of.first, int(of.period.max()) + 1):
        news = (of.known == period) & (of.period >= of.first)
        if news.any():
            below = np.mean(of.errors[:, news] <= found[:, news], axis=1)
            off += gamma * (np.array(of.quantiles) - below)
        newest = int(of.period[of.known <= period].max(initial=of.first - 1))
        for step in steps:
            window = of.rows(step, range(newest - of.first + 1, newest + 1))
            known = of.errors[:, window][:, of.known[window] <= period]
            found[:, of.rows(step, range(period, period + 1))] = _shifts(of, known, off)
    return found


def _shifts(of: Errors, learnt_from: Values, off: Values) -> Values:
    """(quantiles, 1): by these errors, at levels that are `off` from the quantiles' own. The point stays where it is;
    without an error all do."""
    found = np.zeros((len(of.quantiles), 1))
    for place, quantile in enumerate(of.quantiles):
        if quantile != 0.5 and learnt_from.shape[1]:
            found[place] = shift(learnt_from[place], quantile + off[place], is_upper=quantile > 0.5)
    return found
