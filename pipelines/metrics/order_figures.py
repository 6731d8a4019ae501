"""A picture of how good an order is by how many of its places are looked at; the naive order always beside."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipelines.metrics.canvas import MODEL, NAIVE, SOFT, canvas, legend
from pipelines.metrics.orders import Orders

_MOST_PLACES = 20


def ndcg_by_places(orders: Orders, naive: Orders, *, top: int, model: str, subject: str) -> Figure:
    """Mean NDCG of the first place, the first two, and so on, up to those of the longest query or twenty; `top`, which
    the metrics look at, is marked. orders, naive: of the same rows, with a relevant one in a query or more."""
    figure, axes = canvas(9.0, 4.2)
    places = np.arange(1, min(int(orders.place.max()), _MOST_PLACES) + 1)
    reached = {}
    for name, of, colour in ((model, orders, MODEL), ("naive", naive, NAIVE)):
        reached[name] = of.mean(of.ndcg(top))
        curve = [of.mean(of.ndcg(int(place))) for place in places]
        label = f"{name}, {reached[name]:.3f} at {top}"
        axes.plot(places, curve, color=colour, linewidth=1.8, marker="o", markersize=4, label=label)
    if top <= places[-1]:
        axes.axvline(top, color=SOFT, linewidth=1.0, linestyle=":")
    axes.set_ylim(0.0, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(12, integer=True))
    axes.set_title(
        f"{subject}: NDCG {reached[model]:.3f} at {top} with {model} (naive {reached['naive']:.3f}), "
        f"{int(orders.has_relevant.sum()):,} queries",
        loc="left",
    )
    axes.set_xlabel("places that are looked at")
    axes.set_ylabel("mean NDCG")
    legend(figure, axes)
    return figure
