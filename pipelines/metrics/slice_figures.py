"""A picture of a loss in every slice, with its interval; the naive baseline always beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipelines.metrics.canvas import DASHED, MODEL, NAIVE, SOFT, blank, dress, legend

MOST_SHOWN = 24
"""Of a slice of names, those with the most rows are drawn; the table has all."""

Row = Mapping[str, str | int | float]


def by_slice(rows: Sequence[Row], metric: str, *, model: str, subject: str, unit: str) -> Figure:
    """The loss by each slice's values. rows: the first of all rows, then one for each value of each slice; one without
    the loss is left out."""
    whole, parts = rows[0], [row for row in rows[1:] if metric in row]
    names = list(dict.fromkeys(row["slice"] for row in parts))
    figure = blank(9.0, max(3.4, 2.6 * len(names)))
    panels = np.atleast_1d(figure.subplots(max(len(names), 1), 1))
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, [row for row in parts if row["slice"] == name], whole, metric, model)
        axes.set_xlabel(str(name))
    for axes in panels:
        dress(axes)
        axes.set_ylabel(f"{metric} ({unit})" if unit else metric)
    if names:
        legend(figure, panels[0])
    ends = f", 95% interval {_ends(whole, metric)}" if f"{metric}_low" in whole else ""
    figure.suptitle(f"{subject}: {metric} of {model}: {float(whole[metric]):.4g}{ends}", x=0.01, ha="left", fontsize=11)
    return figure


def _panel(axes: Axes, rows: Sequence[Row], whole: Row, metric: str, model: str) -> None:
    is_counted = all(str(row["group"]).isdigit() for row in rows)
    if is_counted:
        rows = sorted(rows, key=lambda row: int(row["group"]))
    else:
        rows = sorted(rows, key=lambda row: -int(row["rows"]))[:MOST_SHOWN]
    at = [int(row["group"]) for row in rows] if is_counted else list(range(len(rows)))
    value = np.array([float(row[metric]) for row in rows])
    low, high = (np.array([float(row.get(f"{metric}_{end}", row[metric])) for row in rows]) for end in ("low", "high"))
    reach = np.abs(np.stack([value - low, high - value]))
    naive = value - np.array([float(row.get(f"{metric}_minus_naive", 0.0)) for row in rows])
    axes.errorbar(
        at,
        value,
        yerr=reach,
        color=MODEL,
        linestyle="-" if is_counted else "none",
        marker="o",
        markersize=4,
        capsize=2,
        linewidth=1.4,
        label=f"{model}, with 95% interval",
    )
    line = DASHED if is_counted else "none"
    axes.plot(at, naive, color=NAIVE, linestyle=line, marker="_", markersize=9, linewidth=1.4, label="naive")
    axes.axhline(float(whole[metric]), color=SOFT, linewidth=1.0, linestyle=":", label=f"{model}, all rows")
    axes.set_ylim(bottom=min(0.0, float(np.nanmin(value))))
    if is_counted:
        axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    else:
        axes.set_xticks(at, [f"{row['group']}\n{int(row['rows']):,}" for row in rows], fontsize=8)


def _ends(row: Row, metric: str) -> str:
    return f"{float(row[f'{metric}_low']):.4g} to {float(row[f'{metric}_high']):.4g}"
