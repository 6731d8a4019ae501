"""Pictures of what decisions were worth, beside those of the naive policy and of one who knew what would come."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator, StrMethodFormatter

from pipelines.metrics.canvas import ACTUAL, DASHED, MODEL, NAIVE, SOFT, canvas, dated, legend

Values = npt.NDArray[np.float64]

COLOURS = {"champion": MODEL, "naive": NAIVE, "foresight": ACTUAL}
_STYLES: Mapping[str, dict[str, Any]] = {
    "champion": {"color": MODEL, "linewidth": 2.2},
    "naive": {"color": NAIVE, "linewidth": 1.6, "linestyle": DASHED},
    "foresight": {"color": ACTUAL, "linewidth": 1.4, "linestyle": ":"},
}


def won_share(value: float, naive: float, foresight: float) -> float | None:
    """What part of the way from the naive policy to perfect foresight was gone; None where there was nothing to win."""
    return None if foresight == naive else (value - naive) / (foresight - naive)


def totals(of: Mapping[str, float], *, unit: str, higher_is_better: bool, subject: str) -> Figure:
    """The sums. of: by `champion`, `naive`, `foresight`."""
    figure, axes = canvas(9.0, 2.6)
    names = list(of)[::-1]
    bars = axes.barh(names, [of[name] for name in names], color=[COLOURS[name] for name in names], height=0.6)
    axes.bar_label(bars, [f"{of[name]:,.0f} {unit}" for name in names], padding=4, fontsize=9)
    axes.axvline(0, color=SOFT, linewidth=1.0)
    axes.grid(False, axis="y")
    axes.margins(x=0.2)
    axes.xaxis.set_major_formatter(EngFormatter())
    axes.set_xlabel(f"{unit}, all decisions whose outcome is known")
    axes.set_title(f"{subject}: what the decisions came to; {direction(higher_is_better)}", loc="left")
    return figure


def cumulated(days: pd.DataFrame, *, unit: str, higher_is_better: bool, subject: str) -> Figure:
    """The sums as they grew. days: value of each day, indexed by it, columns `champion`, `naive`, `foresight`."""
    figure, axes = canvas(9.0, 4.0)
    grown = days.sort_index().cumsum()
    for name in grown.columns:
        axes.plot(grown.index, grown[name], label=name, **_STYLES[str(name)])
    better = grown["champion"] >= grown["naive"] if higher_is_better else grown["champion"] <= grown["naive"]
    axes.fill_between(
        grown.index,
        grown["champion"],
        grown["naive"],
        where=better.tolist(),
        color=MODEL,
        alpha=0.12,
        linewidth=0,
        label="won against naive",
    )
    dated(axes)
    axes.yaxis.set_major_formatter(EngFormatter())
    axes.set_ylabel(f"{unit}, summed up to the day")
    axes.set_title(f"{subject}: what the decisions came to, day by day; {direction(higher_is_better)}", loc="left")
    legend(figure, axes)
    return figure


def actions(chosen: Values, naive: Values, *, action: str, subject: str) -> Figure:
    """How large the actions are, beside the naive policy's; what lies beyond the middle 99 % is in the end bars."""
    figure, axes = canvas(9.0, 3.6)
    low, high = np.quantile(np.concatenate([chosen, naive]), [0.005, 0.995])
    bins = np.linspace(low, high if high > low else low + 1.0, 41)
    for name, values in (("champion", chosen), ("naive", naive)):
        axes.hist(
            np.clip(values, bins[0], bins[-1]),
            bins=bins.tolist(),
            weights=np.full(len(values), 100 / len(values)),
            histtype="stepfilled" if name == "champion" else "step",
            alpha=0.7 if name == "champion" else 1.0,
            linewidth=1.6,
            color=COLOURS[name],
            label=f"{name}, {values.mean():,.4g} on average",
        )
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.set_xlabel(action)
    axes.set_ylabel("share of decisions (%)")
    axes.set_title(f"{subject}: how large the actions are ({len(chosen):,} decisions)", loc="left")
    legend(figure, axes)
    return figure


def picks(days: pd.DataFrame, *, action: str, subject: str) -> Figure:
    """How many were picked a day. days: counts indexed by day, columns `champion` and `naive`."""
    figure, axes = canvas(9.0, 3.6)
    days = days.sort_index()
    for name in days.columns:
        shown = {**_STYLES[str(name)], "linewidth": 1.4}
        axes.plot(
            days.index, days[name], drawstyle="steps-mid", label=f"{name}, {days[name].mean():,.3g} a day", **shown
        )
    dated(axes)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.set_ylabel(f"picked ({action})")
    axes.set_title(f"{subject}: how many are picked a day", loc="left")
    legend(figure, axes)
    return figure


def direction(higher_is_better: bool) -> str:
    """In words."""
    return "more is better" if higher_is_better else "less is better"
