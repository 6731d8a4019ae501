"""The newest price by DuckDB's ASOF JOIN on two threads."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

from tests.bench.domains.market.domain import NEWEST, TTL_HOURS
from tests.bench.sides.twice import counted

QUERY = """
copy (
    select a.item_id, a.cut_at, {values}
    from read_parquet('{read}/asked/*.parquet') a asof left join read_parquet('{read}/quotes/*.parquet') q
    on a.item_id = q.item_id and a.cut_at >= q.quoted_at
) to '{written}/found.parquet' (format parquet)
"""


def work(read: Path, written: Path) -> None:
    written.mkdir(parents=True)
    is_fresh = f"epoch_us(a.cut_at) - epoch_us(q.quoted_at) < {TTL_HOURS * 3_600_000_000}"
    values = [f"if({is_fresh}, q.{f.column}, null) as {name}" for f in NEWEST.features for name in f.names()]
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("set preserve_insertion_order = false")
        connection.execute(QUERY.format(values=", ".join(values), read=read, written=written))


if __name__ == "__main__":
    counted(work, *sys.argv[1:])
