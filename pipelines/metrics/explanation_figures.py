"""Pictures of what a model makes of its features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from pipelines.metrics.canvas import MODEL, SOFT, blank, canvas, dress
from pipelines.metrics.explanations import Dependence

Values = npt.NDArray[np.float64]

_MOST = 15


def permutation(grown: Mapping[str, float], *, loss: str, model: str, subject: str) -> Figure:
    """Bars of the features without which the loss grows most."""
    largest = sorted(grown.items(), key=lambda item: item[1])[-_MOST:]
    figure, axes = canvas(9.0, 1.2 + 0.28 * len(largest))
    bars = axes.barh([name for name, _ in largest], [100 * of for _, of in largest], color=MODEL, height=0.7)
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8, color=SOFT)
    axes.grid(False, axis="y")
    axes.margins(x=0.08)
    axes.set_xlabel(f"{loss} grows by (%) when the feature's values are dealt out anew, test span")
    axes.set_title(f"{subject}: what {model} cannot do without", loc="left")
    return figure


def dependences(of: Mapping[str, Dependence], *, unit: str, model: str, subject: str) -> Figure:
    """The mean prediction by each feature's value, a panel a feature, all on one scale."""
    figure = blank(9.0, 3.6)
    panels = np.atleast_1d(figure.subplots(1, len(of), sharey=True))
    for axes, (name, found) in zip(panels, of.items(), strict=True):
        dress(axes)
        axes.plot(found.at, found.mean, color=MODEL, linewidth=1.8, marker="o", markersize=3)
        axes.set_xlabel(name, fontsize=8)
        axes.tick_params(labelsize=8)
    panels[0].set_ylabel(f"mean prediction ({unit})" if unit else "mean prediction")
    figure.suptitle(f"{subject}: what {model} makes of a feature's value", x=0.01, ha="left", fontsize=11)
    return figure


def contributions(
    shares: Values, values: Values, features: Sequence[str], *, unit: str, model: str, subject: str
) -> Figure:
    """Each feature's part in each prediction, a dot a row, coloured by the feature's value (Lundberg and Lee 2017).

    shares, values: (rows, features), the shares in `unit`."""
    places = np.argsort(np.abs(shares).mean(axis=0))[-_MOST:]
    figure, axes = canvas(9.0, 1.4 + 0.32 * len(places))
    jitter = np.random.default_rng(0).uniform(-0.28, 0.28, len(shares))
    dots = None
    for row, place in enumerate(places):
        # by rank, so that an outlier does not dye all others alike
        order = np.argsort(np.argsort(values[:, place])) / max(len(values) - 1, 1)
        dots = axes.scatter(shares[:, place], row + jitter, c=order, cmap="viridis", s=5, linewidths=0, rasterized=True)
    axes.axvline(0, color=SOFT, linewidth=1.0)
    axes.set_yticks(range(len(places)), [features[place] for place in places])
    axes.grid(False, axis="y")
    axes.set_xlabel(f"part in the prediction ({unit})" if unit else "part in the prediction")
    axes.set_title(f"{subject}: what moves {model}'s predictions, row by row", loc="left")
    if dots is not None:
        bar = figure.colorbar(dots, ax=axes, ticks=[0, 1], aspect=30, pad=0.01)
        bar.ax.set_yticklabels(["low", "high"], fontsize=8)
        bar.set_label("the feature's value", fontsize=8)
    return figure
