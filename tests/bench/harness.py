"""A race: sides that do the same work in turn, and what their times say."""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from tests.bench.processes import Cost, measured

RESAMPLES = 10_000
OURS = "ours"

Samples = Mapping[str, Sequence[Cost]]


class VoidRace(RuntimeError):
    """The sides did not do the same work, so their times say nothing."""


def _no_output(_printed: str) -> str:
    return ""


@dataclass(frozen=True)
class Side:
    """One way to do the work, or a floor under it. place: where the files that it writes are counted.

    prepare: what must be done before each repetition, not timed. output: from what the process printed, an order-free
    hash of what it made; "" for a floor, which makes nothing. It may raise VoidRace.
    """

    name: str
    command: tuple[str, ...]
    place: Path
    prepare: Callable[[], None] = lambda: None
    output: Callable[[str], str] = _no_output


@dataclass(frozen=True)
class Figure:
    """What a race is about. compared_with: "" for our own median cost; else a side, and the figure is the median of our
    cost over its cost, repetition by repetition. goal and first_mark are in the figure's own measure; less is better.

    start: a side that only starts what both others start too (a JVM and its session); its seconds are taken from each.
    start_of_peer: the same for the other side, where that starts something else; "" if it starts nothing.
    along: instead of compared_with, sizes and the sides that do them, ours the last; the figure is the power of the
    size with which the cost grows: the slope of a line through the logarithms.
    """

    what: str
    compared_with: str
    goal: float | None
    first_mark: float | None
    cost: Literal["seconds", "work_seconds", "bytes_written", "peak_mib", "driver_mib"] = "seconds"
    start: str = ""
    start_of_peer: str = ""
    along: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class Race:
    """sides: the first is ours, and is called so. floor: the name of the side that does the least that must be done."""

    name: str
    sides: tuple[Side, ...]
    floor: str
    figures: tuple[Figure, ...]
    protocol: str
    repetitions: int = 5


def run(race: Race) -> dict[str, list[Cost]]:
    """Every side in turn, again and again; VoidRace if their outputs differ."""
    samples: dict[str, list[Cost]] = {side.name: [] for side in race.sides}
    outputs: set[str] = set()
    for repetition in range(race.repetitions):
        for side in race.sides:
            side.prepare()
            cost, printed = measured(side.command, side.place)
            samples[side.name].append(cost)
            if output := side.output(printed):
                outputs.add(output)
            if len(outputs) > 1:
                raise VoidRace(f"{race.name}: repetition {repetition + 1}: {side.name} made something else; void")
    return samples


def values(figure: Figure, samples: Samples) -> list[float]:
    """The figure, repetition by repetition."""
    if figure.along:
        sizes = [math.log(size) for size, _ in figure.along]
        grown = [_costs(figure, samples, side, figure.start) for _, side in figure.along]
        return [
            statistics.linear_regression(sizes, [math.log(cost) for cost in costs]).slope
            for costs in zip(*grown, strict=True)
        ]
    ours = _costs(figure, samples, OURS, figure.start)
    if not figure.compared_with:
        return ours
    return [
        a / b for a, b in zip(ours, _costs(figure, samples, figure.compared_with, figure.start_of_peer), strict=True)
    ]


def _costs(figure: Figure, samples: Samples, side: str, start: str) -> list[float]:
    """What a side cost, repetition by repetition, less what its start did."""
    costs = [float(getattr(cost, figure.cost)) for cost in samples[side]]
    return [cost - less.seconds for cost, less in zip(costs, samples[start], strict=True)] if start else costs


def interval(values: Sequence[float], seed: int) -> tuple[float, float]:
    """The 95 % bootstrap interval of the median (percentile method: Efron and Tibshirani 1993, ch. 13)."""
    draw = random.Random(seed)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(RESAMPLES))
    return medians[round(0.025 * RESAMPLES)], medians[round(0.975 * RESAMPLES) - 1]


def records(race: Race, samples: Samples, seed: int, commit: str, seconds: float) -> list[dict[str, Any]]:
    """One record a figure. reference: the floor's median in the figure's own cost, or 1 for a ratio or a power.
    samples: every repetition's cost of every side, and the figure's interval."""
    sides = {name: [asdict(cost) for cost in costs] for name, costs in samples.items()}
    return [
        {
            "what": figure.what,
            "ours": statistics.median(values(figure, samples)),
            "reference": _reference(race, figure, samples),
            "goal": figure.goal,
            "first_mark": figure.first_mark,
            "protocol": race.protocol,
            "seed": seed,
            "samples": {"interval_95": interval(values(figure, samples), seed), "sides": sides},
            "commit": commit,
            "seconds": seconds,
        }
        for figure in race.figures
    ]


def _reference(race: Race, figure: Figure, samples: Samples) -> float:
    if figure.compared_with or figure.along:
        return 1.0
    return statistics.median(_costs(figure, samples, race.floor, ""))
