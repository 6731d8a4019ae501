"""Changed rows by key: our upsert against a plain MERGE and against writing the table anew."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench import equal
from tests.bench.harness import OURS, Figure, Race, Side
from tests.bench.places import linked
from tests.bench.processes import measured
from tests.bench.sides import conf_of

ROWS = 5_000_000
START, NAIVE, OVERWRITE = "starting Spark", "plain MERGE", "union, window and overwrite"


def race(folder: Path, rows: int = ROWS) -> Race:
    """Keys that lie in the newest twenty-fifth of the table."""
    return upserts("merge", folder, rows, "newest", goal=(0.2, None), never=(1.1, None))


def upserts(
    name: str,
    folder: Path,
    rows: int,
    spread: str,
    *,
    goal: tuple[float | None, float | None],
    never: tuple[float | None, float | None],
) -> Race:
    """A table of so many rows in 25 files by key, and 1 % changes: half of them for held keys. goal, never: the marks
    against a plain MERGE and against an overwrite."""
    conf, kept = conf_of(folder, folder / "root"), folder / "kept"

    def program(way: str, *words: object) -> tuple[str, ...]:
        return (sys.executable, "-m", "tests.bench.sides.upserts", way, *map(str, (conf, folder, *words)))

    # the pins of the ledger hold absolute places, so the table is made where it will be used
    measured(program("prepare", rows, spread), folder)
    shutil.move(folder / "ours", kept / "ours")

    def again(way: str) -> Callable[[], None]:
        return lambda: linked(kept / "ours", folder / way)

    def side(label: str, way: str) -> Side:
        table = folder / way / "silver"
        return Side(label, program(way), table, again(way), lambda _: equal.rows_held(table / "orders"))

    def compared(peer: str, mark: tuple[float | None, float | None]) -> Figure:
        return Figure(f"times the seconds of {peer}", peer, *mark, cost="work_seconds")

    return Race(
        name=name,
        sides=(
            side(OURS, "ours"),
            side(NAIVE, "naive"),
            side(OVERWRITE, "overwrite"),
            Side(START, (sys.executable, "-m", "tests.bench.sides.spark", str(conf)), folder / "nothing"),
        ),
        floor=START,
        figures=(
            Figure("upsert, warm, s", "", None, None, cost="work_seconds"),
            compared(NAIVE, goal),
            compared(OVERWRITE, never),
            Figure(f"bytes written, times those of {NAIVE}", NAIVE, None, None, cost="bytes_written"),
        ),
        protocol=(
            f"{rows:,} rows in 25 files by key; 1 % of changes, half of them newer rows for held keys ("
            + ("among the newest 4 % of keys" if spread == "newest" else "everywhere in the table")
            + "), half new keys. Ours is Warehouse.merge and publish, as silver calls them. Each side in a process of "
            "its own: Spark starts and the same upsert is made into a small table first; only the second one counts. "
            "The reference is the start of Spark alone. Void unless the tables hold equal rows afterwards"
        ),
    )
