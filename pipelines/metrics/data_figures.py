"""Pictures of what tables hold: spread, correlation, a label against features and over time, what was set apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from pipelines.metrics.canvas import ACTUAL, MODEL, NAIVE, SOFT, blank, canvas, dated, dress, legend
from pipelines.metrics.groups import mean_of, tenths
from pipelines.metrics.profile import line_through

Values = npt.NDArray[np.float64]

_A_ROW = 3
_FEW = 12  # so many different values are shown as a bar each
_MOST_WHOLE = 60  # so many whole numbers have a bar each
_MOST_COLUMNS = 20
_MOST_BUCKETS = 400
_BUCKETS = {"h": "hour", "D": "day", "W": "week", "M": "month"}


def histograms(rows: pd.DataFrame, units: Mapping[str, str], *, subject: str, told: str) -> Figure:
    """How the values of each numeric column are spread, a small picture each; what lies beyond the middle 99 % is
    counted in the bars at the ends. told: how many rows these are."""
    figure, grid = _grid(len(rows.columns), 2.3)
    for axes, name in zip(grid, rows.columns, strict=False):
        values = rows[name].dropna().to_numpy(float)
        shares = np.full(len(values), 100 / len(values))
        different = np.unique(values)
        if len(different) <= _FEW:
            counts = [float(shares[values == value].sum()) for value in different]
            axes.bar([f"{value:g}" for value in different], counts, color=MODEL, width=0.7)
            axes.grid(False, axis="x")
        else:
            low, high = np.quantile(values, [0.005, 0.995])
            low, high = (low, high) if low < high else (values.min(), values.max())
            is_whole = (different % 1 == 0).all() and high - low <= _MOST_WHOLE
            bins = np.arange(low, high + 2) - 0.5 if is_whole else np.linspace(low, high, 31)
            axes.hist(np.clip(values, low, high), bins=bins.tolist(), weights=shares, color=MODEL)
            axes.xaxis.set_major_locator(MaxNLocator(5))
            axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        axes.set_title(f"{name} ({units[name]})" if units.get(name) else str(name), loc="left", fontsize=10)
    figure.supylabel("share of rows (%)", fontsize=9)
    return _titled(figure, f"{subject}: how the numbers are spread ({told})")


def correlations(rows: pd.DataFrame, *, subject: str, told: str) -> Figure:
    """Which numeric columns go together: Pearson's correlation of each pair, of the first columns where there are many.

    rows: at least two columns of numbers.
    """
    shown = rows.iloc[:, :_MOST_COLUMNS]
    together = shown.corr().to_numpy()
    names, count = [str(name) for name in shown.columns], len(shown.columns)
    figure, axes = canvas(4.2 + 0.42 * count, 1.8 + 0.36 * count)
    image = axes.imshow(together, cmap="RdBu_r", vmin=-1, vmax=1)
    for row in range(count):
        for column in range(count):
            value = together[row, column]
            colour = "white" if abs(value) > 0.6 else ACTUAL
            told_value = "–" if np.isnan(value) else f"{value:.2f}"
            axes.text(column, row, told_value, ha="center", va="center", fontsize=7.5, color=colour)
    axes.set_xticks(range(count), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(count), names)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.8, label="correlation")
    left_out = f", the first {count} of {len(rows.columns)} columns" if len(rows.columns) > count else ""
    return _titled(figure, f"{subject}: which columns go together ({told}{left_out})")


def against(
    label: Values, features: Mapping[str, tuple[Values, float]], *, named: str, subject: str, told: str
) -> Figure:
    """The label against each feature: its mean in tenths of the rows by the feature, and the straight line through all.

    features: values and correlation by name. label and features have one value a row, NaN where unknown.
    """
    figure, grid = _grid(len(features), 2.9)
    for axes, (name, (values, correlation)) in zip(grid, features.items(), strict=False):
        known = ~(np.isnan(label) | np.isnan(values))
        x, y = values[known], label[known]
        group = tenths(x)
        at, means, counts = mean_of(x, group), mean_of(y, group), np.bincount(group)
        intercept, slope = line_through(x, y)
        axes.plot(at, intercept + slope * at, color=NAIVE, linewidth=1.4, label="straight line through all rows")
        axes.plot(at, means, "o", color=MODEL, markersize=6, label="mean of the label in a tenth of the rows")
        axes.margins(y=0.2)
        least, most = counts.min(), counts.max()
        rows = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        axes.set_title(f"{name}\ncorrelation {correlation:+.2f}", loc="left", fontsize=9)
        axes.set_xlabel(f"rows a point: {rows}", fontsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    legend(figure, grid[0])
    figure.supylabel(named, fontsize=9)
    return _titled(figure, f"{subject}: against the features that go most with it ({told})")


def over_time(at: pd.Series[Any], values: pd.Series[Any], *, named: str, subject: str) -> Figure | None:
    """How a value runs: its mean and where most of it lies, by the finest of hour, day, week and month that fits a
    picture. at: instants. None where there are fewer than three buckets, and so no course."""
    moments = at.dt.tz_localize(None)
    fine = [span for span in _BUCKETS if moments.dt.to_period(span).nunique() <= _MOST_BUCKETS]
    span = fine[0] if fine else "M"
    grouped = values.groupby(moments.dt.to_period(span).dt.start_time)
    if grouped.ngroups < 3:
        return None
    mean, low, high = grouped.mean(), grouped.quantile(0.1), grouped.quantile(0.9)
    figure, axes = canvas(9.0, 3.8)
    if values.nunique() > 2:  # of yes and no the mean says it all
        axes.fill_between(mean.index, low, high, color=MODEL, alpha=0.2, linewidth=0, label="10–90 % of values")
    axes.plot(mean.index, mean, color=MODEL, linewidth=1.4, label=f"mean of each {_BUCKETS[span]}")
    dated(axes)
    axes.set_ylabel(named)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.set_title(f"{subject}: how it runs, by {_BUCKETS[span]} ({len(values):,} values)", loc="left")
    legend(figure, axes)
    return figure


def reasons(counts: Mapping[str, int], *, subject: str) -> Figure:
    """How many records were set apart for which reason; a record may have several."""
    figure, axes = canvas(9.0, 1.2 + 0.34 * len(counts))
    ordered = sorted(counts.items(), key=lambda item: item[1])
    bars = axes.barh([name for name, _ in ordered], [count for _, count in ordered], color=NAIVE, height=0.65)
    axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=9, color=SOFT)
    axes.grid(False, axis="y")
    axes.margins(x=0.08)
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.set_xlabel("records")
    axes.set_title(f"{subject}: why records were set apart", loc="left")
    return figure


def _grid(count: int, height: float) -> tuple[Figure, Sequence[Axes]]:
    """A figure with so many pairs of axes, `height` inches each."""
    lines = -(-count // _A_ROW)
    figure = blank(9.0, 0.8 + height * lines)
    grid: list[Axes] = figure.subplots(lines, _A_ROW, squeeze=False).ravel().tolist()
    for axes in grid[:count]:
        dress(axes)
    for axes in grid[count:]:
        axes.set_visible(False)
    return figure, grid


def _titled(figure: Figure, title: str) -> Figure:
    figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return figure
