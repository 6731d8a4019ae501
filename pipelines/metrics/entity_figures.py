"""Pictures of what models of single entities are worth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipelines.metrics.canvas import DASHED, MODEL, OTHERS, SOFT, canvas, legend

_BINS = 40


def skill_by_entity(
    own: npt.NDArray[np.float64], pooled: npt.NDArray[np.float64], *, entity: str, model: str, subject: str
) -> Figure:
    """How many entities have which skill over the naive forecast. own: of those with a model of their own; pooled: of
    those that the pooled one answers for. At least one of both; below −1 all stand in the first bar."""
    every = np.concatenate([own, pooled])
    low = max(-1.0, min(0.0, float(every.min())))
    figure, axes = canvas(9.0, 4.0)
    parts = [(own, "a model of its own", MODEL), (pooled, "the pooled model", OTHERS[2])]
    shown = [(np.clip(skills, low, 1.0), label, colour) for skills, label, colour in parts if len(skills)]
    axes.hist(
        [skills for skills, _, _ in shown],
        bins=np.linspace(low, 1.0, _BINS + 1).tolist(),
        stacked=True,
        color=[colour for _, _, colour in shown],
        label=[f"{label} ({len(skills)})" for skills, label, _ in shown],
    )
    axes.axvline(0, color=SOFT, linewidth=1.2, linestyle=DASHED, label="no better than naive")
    axes.axvline(float(np.median(every)), color="#222222", linewidth=1.2, label=f"median {np.median(every):+.0%}")
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:+.0%}" if value else "0%")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("skill: the part of the naive error that is saved, test span")
    axes.set_ylabel(f"entities ({entity})")
    legend(figure, axes)
    better = int((every > 0).sum())
    axes.set_title(f"{subject}: {model} beats naive for {better} of {len(every)} entities", loc="left")
    return figure
