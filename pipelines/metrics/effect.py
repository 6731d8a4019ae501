"""What acting on predictions changed: what decisions came to, less what the naive policy would have come to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.metrics.measures import values
from pipelines.metrics.resampling import block_length, drawn, groups, groups_of, interval, periods

Values = npt.NDArray[np.float64]

Verdict = Literal["better", "worse", "unsure"]


@dataclass(frozen=True)
class Effect:
    """Sums over decisions with a known label, in the policy's unit; `gain` is positive where that is better than naive.

    label: "" for all of them, or the month. low, high: where the gain lies in 19 of 20 cases, NaN where there are too
    few days to say. foresight_gain: the gain of one who knows every label, the most there is to win.
    """

    label: str
    since: datetime
    until: datetime
    decisions: int
    value: float
    naive_value: float
    foresight_value: float
    gain: float
    low: float
    high: float
    foresight_gain: float

    @property
    def verdict(self) -> Verdict:
        """Whether the interval leaves zero out, and on which side."""
        return "better" if self.low > 0.0 else "worse" if self.high < 0.0 else "unsure"

    @property
    def share(self) -> float | None:
        """What part of the most there is to win was won; None where there was nothing to win."""
        return self.gain / self.foresight_gain if self.foresight_gain > 0.0 else None


def effect(rows: pa.Table, *, higher_is_better: bool, has_times: bool, query: str = "") -> Effect | None:
    """The effect of all decisions; None without a row.

    rows: `cut_at` and, of each decision, `value`, `naive_value` and `foresight_value`. Where cut-offs have times, the
    gains of neighbouring days are taken to be alike: the interval is drawn from blocks of days as in `comparison`.
    Without, each row is taken to stand for itself, or all rows with the same value of the column `query` together.
    """
    if not len(rows):
        return None
    return _of("", rows, higher_is_better=higher_is_better, has_times=has_times, query=query)


def by_month(rows: pa.Table, *, higher_is_better: bool) -> list[Effect]:
    """The effect of each calendar month of the cut-offs (UTC), oldest first; rows: as of `effect`, with times."""
    # by numpy: Arrow's strftime asks the machine's list of time zones even of UTC, and a small image has none
    months = pa.array(rows["cut_at"].to_numpy().astype("datetime64[M]").astype(str))
    return [
        _of(month, rows.filter(pc.equal(months, month)), higher_is_better=higher_is_better, has_times=True)
        for month in sorted(pc.unique(months).to_pylist())
    ]


def _of(label: str, rows: pa.Table, *, higher_is_better: bool, has_times: bool, query: str = "") -> Effect:
    sign = 1.0 if higher_is_better else -1.0
    rows = rows.sort_by("cut_at")
    value, naive, foresight = (values(rows, name) for name in ("value", "naive_value", "foresight_value"))
    gains = sign * (value - naive)
    low, high = _ends(rows, gains, has_times=has_times, query=query)
    return Effect(
        label=label,
        since=rows["cut_at"][0].as_py(),
        until=rows["cut_at"][-1].as_py(),
        decisions=len(rows),
        value=float(value.sum()),
        naive_value=float(naive.sum()),
        foresight_value=float(foresight.sum()),
        gain=float(gains.sum()),
        low=low,
        high=high,
        foresight_gain=float(sign * (foresight - naive).sum()),
    )


def _ends(rows: pa.Table, gains: Values, *, has_times: bool, query: str) -> tuple[float, float]:
    cut_at_us = rows["cut_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    together = groups_of(np.asarray(rows[query])) if query else groups(len(rows))
    period = periods(cut_at_us) if has_times else together
    by_period: Values = np.bincount(period, weights=gains).astype(np.float64)
    draws = drawn(len(by_period), block_length(by_period) if has_times else 1)
    return interval(float(by_period.sum()), draws.counts @ by_period, draws.blocks)
