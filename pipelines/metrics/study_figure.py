"""The picture of a search for parameters: each trial's loss, and the least so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from pipelines.contracts.trials import Trial
from pipelines.metrics.canvas import ACTUAL, DASHED, MODEL, NAIVE, SOFT, canvas, legend


def history(
    trials: Sequence[Trial], *, best: Trial, cheapest: Trial, declared: Trial, naive: float, metric: str, subject: str
) -> Figure:
    """A dot a judged trial, the least loss so far as a line; crosses are trials without one, at the foot. naive: the
    baseline's loss, told in words, since it may lie far off."""
    figure, axes = canvas(8.0, 4.2)
    judged = [trial for trial in trials if trial.loss is not None]
    places, losses = [trial.number for trial in judged], [float(trial.loss or 0.0) for trial in judged]
    axes.scatter(places, losses, s=22, color=SOFT, label="trial")
    axes.step(places, np.minimum.accumulate(losses), where="post", color=MODEL, label="least so far")
    axes.axhline(float(declared.loss or 0.0), color=NAIVE, linestyle=DASHED, linewidth=1.0, label="as declared")
    place, least = [cheapest.number], [cheapest.loss or 0.0]
    axes.scatter(place, least, s=90, facecolors="none", edgecolors=ACTUAL, label="cheapest within 1 %")
    if others := [trial.number for trial in trials if trial.loss is None]:
        foot = axes.get_ylim()[0]
        axes.scatter(others, [foot] * len(others), marker="x", s=22, color=SOFT, label="given up", clip_on=False)
    axes.set_xlabel("trial", fontsize=9)
    axes.set_ylabel(metric, fontsize=9)
    axes.set_title(f"{subject}: {metric} {best.loss:,.4g} at best; naive {naive:,.4g}", loc="left", fontsize=11)
    legend(figure, axes)
    return figure
