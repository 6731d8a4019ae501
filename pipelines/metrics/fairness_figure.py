"""A picture of how a model treats the groups of protected columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pipelines.metrics.canvas import ACTUAL, MODEL, NAIVE, OTHERS, blank, dress, legend
from pipelines.metrics.fairness import GroupRow

SHOWN = {
    "base_rate": (ACTUAL, "part of 1"),
    "mean_probability": (MODEL, "mean probability"),
    "selection_rate": (NAIVE, "picked"),
    "true_positive_rate": (OTHERS[0], "picked of the 1"),
    "false_positive_rate": (OTHERS[1], "picked of the 0"),
}


def by_group(rows: Sequence[GroupRow], *, model: str, subject: str) -> Figure:
    """Bars of every rate, group by group, a panel a protected column."""
    names = list(dict.fromkeys(row.column for row in rows))
    figure = blank(9.0, 2.9 * len(names) + 0.5)
    panels = np.atleast_1d(figure.subplots(len(names), 1))
    for axes, name in zip(panels, names, strict=True):
        of = [row for row in rows if row.column == name]
        width = 0.8 / len(SHOWN)
        for place, (rate, (colour, label)) in enumerate(SHOWN.items()):
            at = np.arange(len(of)) + (place - (len(SHOWN) - 1) / 2) * width
            axes.bar(at, [100 * getattr(row, rate) for row in of], width=width, color=colour, label=label)
        dress(axes)
        axes.set_xticks(range(len(of)), [f"{row.group}\n{row.rows:,}" for row in of], fontsize=8)
        axes.set_xlabel(f"{name}, with rows")
        axes.set_ylabel("%")
    legend(figure, panels[0])
    figure.suptitle(f"{subject}: how {model} treats groups", x=0.01, ha="left", fontsize=11)
    return figure
