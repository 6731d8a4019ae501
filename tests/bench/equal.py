"""Whether sides made the same rows, whatever engine wrote them, in whatever order and files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import duckdb
from deltalake import DeltaTable

_TYPED = (
    "order_id::bigint, epoch_us(ordered_at), epoch_us(revised_at), customer_id, region, quantity::integer, "
    "price_usd::double, note"
)


def rows_of(files: Iterable[str]) -> str:
    """The number of rows in these parquet files, and the sum of the hashes of their typed columns."""
    names = [str(file).removeprefix("file://") for file in files]
    row = duckdb.execute(f"select count(*), sum(hash({_TYPED})::hugeint) from read_parquet(?)", [names]).fetchone()
    assert row is not None
    return f"{row[0]} rows, sum of hashes {row[1]}"


def rows_in(folder: Path) -> str:
    """`rows_of` the parquet files in a folder."""
    return rows_of(sorted(str(path) for path in folder.glob("*.parquet")))


def rows_held(table: Path) -> str:
    """`rows_of` the newest version of a Delta table."""
    return rows_of(DeltaTable(str(table)).file_uris())
