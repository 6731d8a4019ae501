"""Whether sides made the same rows, whatever engine wrote them, in whatever order and files."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
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


def must_be_close(folder: Path, other: Path, key: Sequence[str], values: Mapping[str, str]) -> str:
    """The number of rows in `folder`; VoidRace unless `other` has the same keys, with values that differ by no more
    than a millionth (of 1, where they are smaller). NaN is no value. values: columns, each with an SQL condition over
    the key: where it is compared.

    In a process of its own: a joined table would stay in this one's memory, which its later children inherit.
    """
    words = (str(folder), str(other), json.dumps(list(key)), json.dumps(dict(values)))
    told = subprocess.run([sys.executable, "-m", "tests.bench.equal", *words], capture_output=True, text=True)
    if told.returncode:
        raise VoidRace(f"{folder} against {other}: {told.stderr.strip()[-2000:]}")
    return told.stdout.strip()


def _differences(folder: str, other: str, key: list[str], values: dict[str, str]) -> tuple[str, dict[str, int]]:
    """How many rows `folder` has, and what differs: keys, how often they come, and values by column."""
    first, second = (f"read_parquet('{place}/*.parquet')" for place in (folder, other))
    counts = {
        "rows of the first alone": f"count(*) - count(b.{key[0]})",
        "rows of the second alone": f"count(*) - count(a.{key[0]})",
        "twice in the first": f"count(b.{key[0]}) - (select count(*) from {second})",
        "twice in the second": f"count(a.{key[0]}) - (select count(*) from {first})",
    }
    for name, where in values.items():
        mine, its = (f"if(isnan({side}.{name}), null, {side}.{name})" for side in "ab")
        is_off = f"abs({mine} - {its}) > {TOLERANCE} * greatest(1, abs({mine}))"
        counts[name] = f"count(*) filter (({where}) and (({mine} is null) != ({its} is null) or {is_off}))"
    query = (
        f"select (select count(*) from {first}), {', '.join(counts.values())} "
        f"from {first} a full join {second} b using ({', '.join(key)})"
    )
    row = duckdb.execute(query).fetchone()
    assert row is not None
    return f"{row[0]} rows", {name: count for name, count in zip(counts, row[1:], strict=True) if count}


if __name__ == "__main__":
    rows, differing = _differences(*sys.argv[1:3], *map(json.loads, sys.argv[3:]))
    print(rows)
    if differing:
        sys.exit(f"differing: {differing}")
