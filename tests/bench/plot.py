"""A race as a picture: every repetition of every side."""

from __future__ import annotations

import statistics
from pathlib import Path

from matplotlib.figure import Figure as Canvas

from tests.bench.harness import Race, Samples


def save(race: Race, samples: Samples, path: Path) -> None:
    """A dot a repetition, a bar at the median of each side, the goal in seconds as a line."""
    canvas = Canvas(figsize=(6, 0.6 + 0.5 * len(samples)), layout="constrained")
    axes = canvas.add_subplot()
    names = list(samples)
    for row, name in enumerate(names):
        seconds = [cost.seconds for cost in samples[name]]
        axes.plot(seconds, [row] * len(seconds), "o", color="C0", alpha=0.6)
        axes.plot([statistics.median(seconds)], [row], "|", color="black", markersize=18)
    for figure in race.figures:
        if figure.goal is not None and not figure.compared_with and not figure.along:
            axes.axvline(figure.goal, color="C2", linestyle="--", label=f"goal {figure.goal:g} s")
            axes.legend()
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="seconds", title=race.name, ylim=(len(names) - 0.5, -0.5))
    axes.set_xlim(left=0)
    canvas.savefig(path, dpi=100, metadata={"Software": None})
