"""The paper that all figures are drawn on: sizes, colours, axes, legend.

Sizes are for 150 dpi. Figures are made without pyplot, so nothing global is touched and no window can open.
Colours are Okabe and Ito's, which colour-blind readers can tell apart.
"""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

MODEL, NAIVE, ACTUAL = "#0072B2", "#D55E00", "#222222"
OTHERS = ("#009E73", "#CC79A7", "#E69F00")
SOFT = "#8a8a8a"
DASHED = (0, (4, 2))


def blank(width: float, height: float) -> Figure:
    """A figure without axes. width, height: inches."""
    figure = Figure(figsize=(width, height), dpi=150, layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))
    FigureCanvasAgg(figure)
    return figure


def canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """A figure with one pair of axes."""
    figure = blank(width, height)
    axes = figure.subplots()
    dress(axes)
    return figure, axes


def dress(axes: Axes) -> None:
    """Two spines, a pale grid behind the data, small figures."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(True, color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=9)
    axes.title.set_fontsize(11)


def dated(axes: Axes) -> None:
    """Dates below, from edge to edge. Of any span: with at least five ticks, matplotlib's default, four days and a half
    have no interval that gives at most nine, and it warns."""
    locator = AutoDateLocator(minticks=4, maxticks=9)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.margins(x=0)


def legend(figure: Figure, axes: Axes) -> None:
    """Below the plot, where it hides none of it."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower left", ncols=len(labels), frameon=False, fontsize=9)
