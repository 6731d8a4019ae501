"""Pictures of how well classes are told apart, and how sure a model is of the one it names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.metrics import classes
from pipelines.metrics.canvas import ACTUAL, DASHED, MODEL, NAIVE, canvas, legend
from pipelines.metrics.groups import mean_of, tenths

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = npt.NDArray[np.float64]

_MOST_NUMBERS = 15
"""Classes up to which a cell of the table has room for its number."""


def confusion(actual: Values, probabilities: Values, names: Sequence[str], *, model: str, subject: str) -> Figure:
    """How each class, down, was named, across, in percent of the rows of that class.

    actual: the place of each row's class, NaN where unknown. probabilities: (rows, classes).
    """
    counts = classes.confusion(actual, probabilities)
    rows = counts.sum(axis=1, keepdims=True)
    shares = 100.0 * counts / np.maximum(rows, 1)
    figure, axes = canvas(7.4, 6.2)
    axes.imshow(shares, cmap="Blues", vmin=0.0, vmax=100.0)
    places = np.arange(len(names))
    axes.set_xticks(places, names, rotation=45 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(places, [f"{name} ({count:,})" for name, count in zip(names, rows[:, 0], strict=True)])
    if len(names) <= _MOST_NUMBERS:
        for down, across in np.argwhere(counts):
            share = shares[down, across]
            told = f"{share:.0f}" if share >= 9.95 else f"{share:.1f}"
            axes.text(across, down, told, ha="center", va="center", color="white" if share > 60 else "black")
    wrong = counts - np.diag(np.diag(counts))
    down, across = divmod(int(wrong.argmax()), len(names))
    title = f"{subject}: {model} names {np.trace(counts) / max(counts.sum(), 1):.1%} of all rows rightly"
    if wrong.any():
        title += f";\nmost often {names[down]} is taken for {names[across]}, {wrong[down, across]:,} times"
    axes.set_title(title, loc="left")
    axes.set_xlabel("named as")
    axes.set_ylabel("is (rows); percent of these rows")
    return figure


def reliability(actual: Values, probabilities: Values, naive: Values, *, model: str, subject: str) -> Figure:
    """How often the named class was right, in tenths of the rows by how probable it was said to be."""
    known = ~np.isnan(actual)
    labels, given, others = actual[known], probabilities[known], naive[known]
    sure, right = given.max(axis=1), (classes.named(given) == labels) + 0.0
    group = tenths(sure)
    told, came, count = mean_of(sure, group), mean_of(right, group), np.bincount(group)
    at = np.arange(len(count))
    figure, axes = canvas(9.0, 4.6)
    axes.plot(at, 100 * told, color=MODEL, linewidth=1.8, marker="o", markersize=5, label=f"said, {model}")
    axes.plot(at, 100 * came, color=ACTUAL, linestyle="none", marker="D", markersize=5, label="was right")
    by_luck = float((classes.named(others) == labels).mean())
    axes.axhline(100 * by_luck, color=NAIVE, linewidth=1.4, linestyle=DASHED, label="the naive baseline is right")
    axes.set_ylim(0, 102)
    axes.set_xticks(at, [f"{100 * share:.0f}%\n{rows:,}" for share, rows in zip(told, count, strict=True)])
    off = classes.calibration_error(labels, given)
    axes.set_title(
        f"{subject}: {model} is {sure.mean():.1%} sure on average and right in {right.mean():.1%}; "
        f"groups are off by {100 * off:.2g} points",
        loc="left",
    )
    axes.set_xlabel("tenths of the rows by the probability of the named class: its mean, and the number of rows")
    axes.set_ylabel("share (%)")
    legend(figure, axes)
    return figure
