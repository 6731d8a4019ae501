"""A race of ours against itself: the same work on a hundredth, a tenth and all of the rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pipelines.settings import PROJECT
from tests.bench.harness import OURS, Figure, Race, Side

ROWS = 5_000_000
PARTS = (100, 10, 1)
_EXECUTOR_MIB, _DRIVER_MEMORY = 4096, "512m"


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
        _give_an_executor(place)
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
            Figure("driver's peak memory, MiB", "", None, None, cost="driver_mib"),
            Figure("driver's peak memory, times that of a hundredth of the rows", least, None, None, cost="driver_mib"),
        ),
        protocol=(
            f"our side at {', '.join(f'{rows // part:,}' for part in PARTS)} rows. The reference of seconds is a "
            "hundredth of the rows. An executor of two cores has processes of its own (local-cluster), so that the "
            f"driver's memory is known by itself: its Python and its Java, whose heap may grow to {_DRIVER_MEMORY}. "
            f"Peak memory is that of all processes; Java takes what it may before it clears up. The work at the last "
            f"size: {race.protocol}"
        ),
    )


def _give_an_executor(place: Path) -> None:
    """Have the race in `place` run with an executor of its own, of this machine's memory."""
    properties = place / "spark.conf"
    own = f"spark.executor.memory {_EXECUTOR_MIB}m\nspark.executorEnv.PYTHONPATH {PROJECT}\n"
    properties.write_text((PROJECT / "conf" / "spark" / "local.conf").read_text() + own)
    spark = {
        "master": f"local-cluster[1,2,{_EXECUTOR_MIB}]",
        "conf_file": str(properties),
        "driver_memory": _DRIVER_MEMORY,
    }
    with (place / "conf.yaml").open("a") as conf:
        conf.write(f"spark: {json.dumps(spark)}\n")


def _of_any_size(side: Side) -> Side:
    """What it makes is checked as in its own race, but need not be what other sizes make."""

    def checked(printed: str) -> str:
        side.output(printed)
        return ""

    return replace(side, output=checked)
