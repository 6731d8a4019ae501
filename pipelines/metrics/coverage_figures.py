"""A picture of how much intervals hold as time goes on, by the way in which they were calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pipelines.metrics.canvas import DASHED, MODEL, OTHERS, SOFT, canvas, dated, legend
from pipelines.metrics.resampling import periods

Held = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]

_TRAILING = 7
_WAYS: Mapping[str, dict[str, Any]] = {
    "split": {"color": SOFT, "linewidth": 1.6},
    "by_step": {"color": OTHERS[0], "linewidth": 1.2, "linestyle": ":"},
    "rolling": {"color": OTHERS[1], "linewidth": 1.4},
    "adaptive": {"color": MODEL, "linewidth": 2.0},
}


def coverage_over_time(
    cut_at_us: Places, held: Mapping[str, Held], *, nominal: float, model: str, subject: str
) -> Figure:
    """The part of the actual values in the interval, over the seven periods up to each. cut_at_us: microseconds since
    1970; held: by way of calibration, whether a row's actual value was in its interval."""
    figure, axes = canvas(9.0, 4.2)
    period = periods(cut_at_us)
    first = np.full(int(period.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(first, period, cut_at_us)
    at = np.array([datetime.fromtimestamp(us / 1e6, UTC).replace(tzinfo=None) for us in first.tolist()], dtype=object)
    rows = _trailing(np.bincount(period).astype(np.float64))
    for name, is_held in held.items():
        share = 100 * _trailing(np.bincount(period, weights=is_held).astype(np.float64)) / rows
        axes.plot(at, share, label=f"{name}: {is_held.mean():.0%} in all", **_WAYS[name])
    axes.axhline(100 * nominal, color=SOFT, linewidth=1.2, linestyle=DASHED, label=f"promised: {nominal:.0%}")
    dated(axes)
    axes.set_ylim(0, 102)
    axes.set_xlabel("cut-off (UTC)")
    axes.set_ylabel(f"in the interval (%), {_TRAILING} periods up to then")
    axes.set_title(f"{subject}: what the {nominal:.0%} interval of {model} holds as time goes on", loc="left")
    legend(figure, axes)
    return figure


def _trailing(of_period: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    summed = np.cumsum(of_period, dtype=np.float64)
    before = np.concatenate([np.zeros(_TRAILING), summed])[: len(summed)]
    return summed - before
