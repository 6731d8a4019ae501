"""The newest price known at a cut-off: our point-in-time join against dbl-tempo, Polars and DuckDB.

Every side gives each question the two values of the newest quote of its item, at its instant or before, if that is less
than a day old. Ours also heeds when a quote became known, a column that the others do not read; here each is known when
it happens, for the others know one clock alone, and none was ever corrected, so that there is no history to look at.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb

from tests.bench import equal
from tests.bench.domains.market.domain import NEWEST, TTL_HOURS
from tests.bench.harness import OURS, Figure, Race, Side
from tests.bench.made_series import HOT, quotes
from tests.bench.sides import conf_of
from tests.bench.sides.twice import LARGE, SMALL

ROWS, SMALL_ROWS, SEED = 3_000_000, 15_000, 1
TEMPO, POLARS, DUCKDB = "dbl-tempo asofJoin", "Polars join_asof", "DuckDB ASOF JOIN"
SAMPLE = 500
TYPED = ", ".join(("item_id", "epoch_us(cut_at)", *[f"{name}::double" for name in NEWEST.names()]))
PROTOCOL = (
    f"quotes (seed {SEED}), a third as many questions, an item for each 150 quotes, but {HOT:.0%} of both about one; "
    "parquet in no order to parquet in any. Ours is gold's known and add_view with a feature view of two AsOf, written "
    "as gold is. Two threads each, a process each; 15,000 quotes are done first, so that code is loaded and compiled, "
    "and only the second work counts, but where whole processes are said. The reference is Polars. Void unless all "
    f"rows are equal (their number, and a sum of hashes), and {SAMPLE} of ours to what a search through all quotes of "
    "their items finds"
)


def race(folder: Path, rows: int = ROWS) -> Race:
    """Make so many quotes; the questions are a third of them."""
    data, expected = folder / "data", folder / "expected.parquet"
    quotes(data / SMALL, SMALL_ROWS, SEED)
    quotes(data / LARGE, rows, SEED)
    _search(data / LARGE, expected)
    conf = conf_of(folder, folder / "root")

    def emptied(made: Path) -> Callable[[], None]:
        return lambda: shutil.rmtree(made, ignore_errors=True)

    def side(label: str, program: str, *words: Path, sampled: bool = False) -> Side:
        made = folder / program
        command = (sys.executable, "-m", f"tests.bench.sides.{program}", *map(str, (*words, data, made)))

        def output(_printed: str) -> str:
            if sampled:
                equal.must_hold(made / LARGE, expected, TYPED)
            return equal.rows_in(made / LARGE, TYPED)

        return Side(label, command, made / LARGE, emptied(made), output)

    def compared(peer: str, goal: float | None, mark: float | None) -> Figure:
        return Figure(f"times the seconds of {peer}", peer, goal, mark, cost="work_seconds")

    return Race(
        name="asof",
        sides=(
            side(OURS, "asof_ours", conf, sampled=True),
            side(TEMPO, "asof_tempo", conf),
            side(POLARS, "asof_polars"),
            side(DUCKDB, "asof_duckdb"),
        ),
        floor=POLARS,
        figures=(
            Figure("newest known prices, warm, s", "", None, None, cost="work_seconds"),
            compared(TEMPO, 1 / 3, 1.0),
            compared(POLARS, 1 / 0.2, None),
            compared(DUCKDB, None, None),
            Figure(f"whole processes: times the seconds of {TEMPO}", TEMPO, None, None),
        ),
        protocol=f"{rows:,} {PROTOCOL}",
    )


def _search(data: Path, expected: Path) -> None:
    """What some questions must be answered, found by looking at every quote of the item."""
    newest = [
        f"if(epoch_us(s.cut_at) - max(epoch_us(q.quoted_at)) < {TTL_HOURS * 3_600_000_000}, "
        f"max_by(q.{feature.column}, q.quoted_at), null) as {name}"
        for feature in NEWEST.features
        for name in feature.names()
    ]
    duckdb.execute(
        f"copy (select s.item_id, s.cut_at, {', '.join(newest)} from "
        f"(select * from read_parquet('{data}/asked/*.parquet') using sample {SAMPLE} rows (reservoir, {SEED})) s "
        f"left join read_parquet('{data}/quotes/*.parquet') q on s.item_id = q.item_id and q.quoted_at <= s.cut_at "
        f"group by s.item_id, s.cut_at) to '{expected}' (format parquet)"
    )
