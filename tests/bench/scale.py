"""A race of ours against itself: the same work on a hundredth, a tenth and all of the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from tests.bench.harness import OURS, Figure, Race, Side

ROWS = 5_000_000
PARTS = (100, 10, 1)


def grown(
    name: str,
    of: Callable[[Path, int], Race],
    folder: Path,
    rows: int,
    goal: float,
    cost: Literal["seconds", "work_seconds"],
    start: str = "",
) -> Race:
    """Our side of the race `of` at three sizes. goal: the power with which `cost` may grow. start: the side of that
    race which only starts what ours does; its seconds are taken off."""
    sides: list[Side] = []
    for part in PARTS:
        place = folder / f"rows-{rows // part}"
        place.mkdir()
        race = of(place, rows // part)
        label = OURS if part == 1 else f"{rows // part:,} rows"
        sides.append(_of_any_size(replace(race.sides[0], name=label)))
    sides += [side for side in race.sides if side.name == start]
    least, less = sides[0].name, sides[1].name
    tenth = "seconds, times those of a tenth of the rows"
    along = tuple((rows // part, side.name) for part, side in zip(PARTS, sides, strict=False))
    return Race(
        name=name,
        sides=(sides[2], *sides[:2], *sides[3:]),  # ours first
        floor=least,
        figures=(
            Figure("power of the rows with which time grows", "", goal, None, cost=cost, start=start, along=along),
            Figure("seconds of all rows", "", None, None, cost=cost, start=start),
            Figure(tenth, less, None, None, cost=cost, start=start, start_of_peer=start),
            Figure("peak memory, times that of a tenth of the rows", less, None, None, cost="peak_mib"),
        ),
        protocol=(
            f"our side at {', '.join(f'{rows // part:,}' for part in PARTS)} rows. The reference of seconds is a "
            "hundredth of the rows. Memory is that of all processes: in local mode the driver's is the executor's too, "
            f"and Java takes what it may before it clears up. The work at the last size: {race.protocol}"
        ),
    )


def _of_any_size(side: Side) -> Side:
    """What it makes is checked as in its own race, but need not be what other sizes make."""

    def checked(printed: str) -> str:
        side.output(printed)
        return ""

    return replace(side, output=checked)
