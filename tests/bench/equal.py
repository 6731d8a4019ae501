"""Whether sides made the same rows, whatever engine wrote them, in whatever order and files."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import duckdb
from deltalake import DeltaTable

from tests.bench.harness import VoidRace

ORDERS = (
    "order_id::bigint, epoch_us(ordered_at), epoch_us(revised_at), customer_id, region, quantity::integer, "
    "price_usd::double, note"
)
TOLERANCE = 1e-6


def rows_of(files: Iterable[str], typed: str = ORDERS) -> str:
    """The number of rows in these parquet files, and the sum of the hashes of their typed columns."""
    names = [str(file).removeprefix("file://") for file in files]
    row = duckdb.execute(f"select count(*), sum(hash({typed})::hugeint) from read_parquet(?)", [names]).fetchone()
    assert row is not None
    return f"{row[0]} rows, sum of hashes {row[1]}"


def rows_in(folder: Path, typed: str = ORDERS) -> str:
    """`rows_of` the parquet files in a folder."""
    return rows_of(sorted(str(path) for path in folder.glob("*.parquet")), typed)


def rows_held(table: Path) -> str:
    """`rows_of` the newest version of a Delta table."""
    return rows_of(DeltaTable(str(table)).file_uris())


def must_hold(folder: Path, expected: Path, typed: str) -> None:
    """VoidRace unless every row of the parquet file `expected` is among those in `folder`; typed: their columns."""
    row = duckdb.execute(
        f"select count(*) from (select {typed} from read_parquet(?) except select {typed} from read_parquet(?))",
        [str(expected), f"{folder}/*.parquet"],
    ).fetchone()
    assert row is not None
    if row[0]:
        raise VoidRace(f"{folder}: {row[0]} rows of {expected.name} are not among those that were made")


def must_be_close(folder: Path, other: Path, key: Sequence[str], values: Sequence[str], where: str = "true") -> str:
    """The number of rows in `folder`; VoidRace unless `other` has the same keys, with values that differ by no more
    than a millionth (of 1, where they are smaller). NaN is no value. where: only these rows' values are compared.

    In a process of its own: a joined table would stay in this one's memory, which its later children inherit.
    """
    words = (str(folder), str(other), ",".join(key), ",".join(values), where)
    told = subprocess.run([sys.executable, "-m", "tests.bench.equal", *words], capture_output=True, text=True)
    if told.returncode:
        raise VoidRace(f"{folder}: {told.stderr.strip()[-500:] or told.stdout.strip()}")
    return told.stdout.strip()


def _differences(folder: str, other: str, key: str, values: str, where: str) -> tuple[str, dict[str, int]]:
    """How many rows `folder` has, and what differs: rows without a partner, and values by column."""

    def value(side: str, name: str) -> str:
        return f"nullif({side}.{name}::double, 'nan'::double)"

    wrong = {
        name: f"count(*) filter ({where} and ({mine} is null) != ({its} is null) or {where} and "
        f"abs({mine} - {its}) > {TOLERANCE} * greatest(1, abs({mine})))"
        for name in values.split(",")
        for mine, its in ((value("a", name), value("b", name)),)
    }
    keys = f"count(a.{key.split(',')[0]}), count(*) - count(a.{key.split(',')[0]})"
    query = (
        f"select {keys}, count(*) - count(b.{key.split(',')[0]}), {', '.join(wrong.values())} "
        f"from read_parquet('{folder}/*.parquet') a full join read_parquet('{other}/*.parquet') b using ({key})"
    )
    row = duckdb.execute(query).fetchone()
    assert row is not None
    counts = dict(zip((f"rows in {other} alone", f"rows in {folder} alone", *wrong), row[1:], strict=True))
    return f"{row[0]} rows", {name: count for name, count in counts.items() if count}


if __name__ == "__main__":
    rows, differing = _differences(*sys.argv[1:])
    print(differing or rows)
    sys.exit(1 if differing else 0)
