"""Raw files to typed rows: the product's own path against plain and equally careful Spark, DuckDB and Polars."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.bench import equal
from tests.bench.harness import OURS, Figure, Race, Side
from tests.bench.made_orders import orders
from tests.bench.sides import conf_of, ours

ROWS, FILES, SEED = 2_000_000, 8, 1
START, PLAIN, BY_HAND = "starting Spark", "PySpark and parquet, no checks", "PySpark and Delta, equal guarantees"
DUCKDB, POLARS = "DuckDB", "Polars"
PROTOCOL = (
    f"{FILES} CSV files (seed {SEED}; 8 columns; 1 % of rows to be set apart, 1 % of keys said again), from raw files "
    "to the newest good row of each key. Ours: `headrace run --stage land --stage bronze --stage silver` as it is, "
    "from an empty root. Two threads each; the Spark sides start the product's session. Figures leave out the start of "
    "Spark (a side of its own), but for those that say so. Void unless the rows are equal: their number, and a sum of "
    "hashes over the typed columns"
)


def race(folder: Path, rows: int = ROWS) -> Race:
    """Make the raw files; each side begins with nothing but them."""
    raw = folder / "raw"
    orders(1, rows, SEED).write(raw, "2024-06-01", FILES)
    root, plain, by_hand, duckdb, polars = (folder / name for name in ("root", "plain", "hand", "duckdb", "polars"))
    conf = conf_of(folder, root)

    def program(name: str, *words: object) -> tuple[str, ...]:
        return (sys.executable, "-m", f"tests.bench.sides.{name}", *map(str, words))

    def dropped() -> None:
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(raw, root / "drops" / "shop" / "orders")

    def emptied(made: Path) -> Callable[[], None]:
        return lambda: shutil.rmtree(made, ignore_errors=True)

    def compared(what: str, peer: str, goal: float | None, mark: float | None, *, jvm: bool = True) -> Figure:
        return Figure(
            f"{what}, times the peer's seconds", peer, goal, mark, start=START, start_of_peer=START if jvm else ""
        )

    return Race(
        name="etl",
        sides=(
            Side(OURS, ours("shop", conf), root, dropped, lambda _: equal.rows_held(root / "silver" / "shop_orders")),
            Side(START, program("spark", conf), folder / "nothing"),
            Side(
                PLAIN, program("spark_parquet", conf, raw, plain), plain, emptied(plain), lambda _: equal.rows_in(plain)
            ),
            Side(
                BY_HAND,
                program("spark_delta", conf, raw, by_hand),
                by_hand,
                emptied(by_hand),
                lambda _: equal.rows_held(by_hand / "silver"),
            ),
            Side(DUCKDB, program("with_duckdb", raw, duckdb), duckdb, emptied(duckdb), lambda _: equal.rows_in(duckdb)),
            Side(POLARS, program("with_polars", raw, polars), polars, emptied(polars), lambda _: equal.rows_in(polars)),
        ),
        floor=DUCKDB,
        figures=(
            Figure("raw files to silver, whole process, s", "", None, None),
            Figure("raw files to silver without Spark's start, s", "", None, None, start=START),
            compared("against PySpark and Delta by hand", BY_HAND, 1 / 1.2, 1 / 0.8),
            compared("against plain PySpark and parquet", PLAIN, 1 / 0.5, None),
            compared("against DuckDB", DUCKDB, 1 / 0.25, 1 / 0.10, jvm=False),
            compared("against Polars", POLARS, None, None, jvm=False),
            Figure("whole processes: against PySpark and Delta by hand, times", BY_HAND, None, None),
        ),
        protocol=f"{rows:,} raw rows in {PROTOCOL}",
    )
