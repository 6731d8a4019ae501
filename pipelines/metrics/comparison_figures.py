"""Pictures of a task's families side by side; the baseline is dashed, the champion blue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from sklearn.metrics import precision_recall_curve, roc_curve

from pipelines.contracts.fits import CurvePoint
from pipelines.metrics.canvas import DASHED, MODEL, NAIVE, OTHERS, SOFT, blank, canvas, dress, legend
from pipelines.metrics.groups import mean_of, tenths

Values = npt.NDArray[np.float64]

_MORE = (*OTHERS, "#56B4E9", "#F0E442", "#222222")
_MOST_POINTS = 1000


def styles(families: Sequence[str], *, baseline: str, champion: str) -> dict[str, dict[str, Any]]:
    """How each family is drawn, the same in all pictures of a task; champion: "" where there is none."""
    rest = iter([*([] if champion else [MODEL]), *_MORE])
    drawn: dict[str, dict[str, Any]] = {}
    for family in families:
        name = {baseline: f"{family} (naive)", champion: f"{family} (champion)"}.get(family, family)
        if family == baseline:
            drawn[family] = {"color": NAIVE, "linestyle": DASHED, "linewidth": 1.6, "label": name}
        elif family == champion:
            drawn[family] = {"color": MODEL, "linewidth": 2.2, "label": name}
        else:
            drawn[family] = {"color": next(rest, SOFT), "linewidth": 1.4, "label": name}
    return drawn


def gains(
    of: Mapping[str, float], drawn: Mapping[str, dict[str, Any]], *, metric: str, bar: float, subject: str
) -> Figure:
    """How much smaller each family's metric is than the baseline's. of: shares by family; bar: what the gate asks."""
    figure, axes = canvas(9.0, 1.5 + 0.42 * len(of))
    ordered = sorted(of.items(), key=lambda item: item[1])
    bars = axes.barh(
        [drawn[family]["label"] for family, _ in ordered],
        [100 * gain for _, gain in ordered],
        color=[drawn[family]["color"] for family, _ in ordered],
        height=0.6,
    )
    axes.bar_label(bars, [f"{100 * gain:+.1f} %" for _, gain in ordered], padding=4, fontsize=9)
    axes.axvline(0, color=SOFT, linewidth=1.0)
    axes.axvline(100 * bar, color=SOFT, linewidth=1.2, linestyle=":", label=f"what the gate asks: {bar:.0%}")
    axes.grid(False, axis="y")
    axes.margins(x=0.14)
    axes.set_xlabel(f"smaller {metric} than the naive baseline, test span (%)")
    axes.set_title(f"{subject}: gain over the naive baseline", loc="left")
    legend(figure, axes)
    return figure


def curves(of: Mapping[str, Sequence[CurvePoint]], *, subject: str) -> Figure:
    """Each family's loss by round or epoch. of: by family, at least one point each; losses differ by family."""
    figure = blank(9.0, 3.6)
    grid = figure.subplots(1, len(of), squeeze=False).ravel()
    colours = {"train": MODEL, "validate": OTHERS[0]}
    for axes, (family, points) in zip(grid, of.items(), strict=True):
        dress(axes)
        for name in sorted({point.name for point in points}):
            span, _, loss = name.partition("/")
            at = [(point.step, point.value) for point in points if point.name == name]
            marker = "o" if len(at) < 30 else ""
            axes.plot(*zip(*at, strict=True), color=colours.get(span, SOFT), marker=marker, markersize=3, label=span)
            axes.set_ylabel(f"loss: {loss}")
        axes.set_ylim(bottom=0)
        axes.set_xlabel("round or epoch")
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_title(family, loc="left")
    legend(figure, grid[0])
    figure.suptitle(f"{subject}: how the families learnt", x=0.01, ha="left", fontsize=11)
    return figure


def errors_by_step(
    of: Mapping[str, Values], drawn: Mapping[str, dict[str, Any]], *, hours_a_step: float, subject: str, unit: str
) -> Figure:
    """Mean absolute error of each family by how far ahead a step is; one value a step."""
    figure, axes = canvas(9.0, 4.0)
    for family, mae in of.items():
        axes.plot(hours_a_step * np.arange(len(mae)), mae, **drawn[family])
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 3, 6, 10]))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    axes.set_xlabel("hours after the cut-off")
    axes.set_ylabel(f"mean absolute error ({unit})")
    axes.set_title(f"{subject}: how far off, by how far ahead", loc="left")
    legend(figure, axes)
    return figure


def probabilities(
    of: Mapping[str, tuple[Values, Values]], drawn: Mapping[str, dict[str, Any]], *, subject: str
) -> Figure:
    """Three views of each family's probabilities: order (ROC), the price of finding (precision and recall), honesty.

    of: label (0 or 1, both there) and probability by family.
    """
    figure = blank(11.0, 4.6)
    roc, price, honest = figure.subplots(1, 3)
    greatest = 0.0
    for family, (actual, probability) in of.items():
        wrong, found, _ = roc_curve(actual, probability)
        kept = _thinned(len(wrong))
        roc.plot(100 * wrong[kept], 100 * found[kept], **drawn[family])
        precise, found, _ = precision_recall_curve(actual, probability)
        kept = _thinned(len(found) - 1)  # the last point is made up: (0, 1)
        price.plot(100 * found[kept], 100 * precise[kept], drawstyle="steps-post", **drawn[family])
        group = tenths(probability)
        told, came = 100 * mean_of(probability, group), 100 * mean_of(actual, group)
        honest.plot(told, came, marker="o", markersize=4, **drawn[family])
        greatest = max(greatest, told.max(), came.max())
    rate = 100 * float(np.mean(next(iter(of.values()))[0]))
    roc.plot([0, 100], [0, 100], color=SOFT, linewidth=1.0, linestyle=":")
    price.axhline(rate, color=SOFT, linewidth=1.0, linestyle=":")
    honest.plot([0, greatest], [0, greatest], color=SOFT, linewidth=1.0, linestyle=":", label="chance, or as predicted")
    for axes, title, below, beside in (
        (roc, "Who finds more with fewer alarms", "no that are flagged (%)", "yes that are found (%)"),
        (price, "What share of alarms is right", "yes that are found (%)", "yes among the flagged (%)"),
        (honest, "Does it come true as often as said", "predicted, mean of a tenth (%)", "came true (%)"),
    ):
        dress(axes)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlabel(below)
        axes.set_ylabel(beside)
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
    legend(figure, honest)
    figure.suptitle(
        f"{subject}: probabilities of the families on the test span; {rate:.3g} % turn out yes",
        x=0.01,
        ha="left",
        fontsize=11,
    )
    return figure


def _thinned(points: int) -> npt.NDArray[np.intp]:
    """Places of at most so many points as an eye can tell apart, the ends among them."""
    return np.unique(np.linspace(0, points - 1, min(points, _MOST_POINTS)).round().astype(np.intp))
