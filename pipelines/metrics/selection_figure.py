"""The picture of a selection: what each feature tells, what of it is new, and whether it stays."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from pipelines.metrics.canvas import MODEL, SOFT, blank, dress
from pipelines.metrics.selection import Judgement

_MOST_FEATURES = 40
_PANELS: tuple[tuple[str, Callable[[Judgement], float]], ...] = (
    ("tells of the label (nats)", lambda one: one.information),
    ("of that, told by none before", lambda one: one.adds),
    ("loss when shuffled (%)", lambda one: 100 * one.permutation),
    ("share of the gain (%)", lambda one: 100 * one.gain),
)


def selection(judged: Sequence[Judgement], *, subject: str) -> Figure:
    """A row a feature, the kept ones first, and a panel a measure. What was dropped unmeasured (constants, copies, what
    must be the answer) has its reason by its name, as has what is useless."""
    shown = list(judged[:_MOST_FEATURES])
    places = np.arange(len(shown))
    colours = [MODEL if one.is_kept else SOFT for one in shown]
    figure = blank(11.0, 1.6 + 0.24 * len(shown))
    panels = figure.subplots(1, len(_PANELS), sharey=True)
    for axes, (name, measure) in zip(panels, _PANELS, strict=True):
        dress(axes)
        axes.barh(places, [measure(one) for one in shown], color=colours, height=0.7)
        axes.grid(False, axis="y")
        axes.margins(y=0.01)
        axes.set_xlabel(name, fontsize=9)
    names = [one.feature if one.rank else f"{one.feature} ({one.fate})" for one in shown]
    panels[0].set_yticks(places, names, fontsize=8)
    panels[0].invert_yaxis()
    kept = sum(one.is_kept for one in judged)
    left_out = f", the first {len(shown)} shown" if len(judged) > len(shown) else ""
    figure.suptitle(f"{subject}: {kept} of {len(judged)} features kept{left_out}", x=0.01, ha="left", fontsize=11)
    marks = [Patch(color=MODEL, label="kept"), Patch(color=SOFT, label="dropped")]
    figure.legend(handles=marks, loc="outside lower left", ncols=2, frameon=False, fontsize=9)
    return figure
