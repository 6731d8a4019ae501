"""The newest price by Polars' join_asof on two threads."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import polars as pl

from tests.bench.domains.market.domain import NEWEST, TTL_HOURS
from tests.bench.sides.twice import counted

TOLERANCE = timedelta(hours=TTL_HOURS, seconds=-1)  # inclusive, as tempo's is


def work(read: Path, written: Path) -> None:
    written.mkdir(parents=True)
    asked = pl.scan_parquet(read / "asked").sort("cut_at")
    values = [pl.col(f.column).alias(name) for f in NEWEST.features for name in f.names()]
    quotes = pl.scan_parquet(read / "quotes").select("item_id", "quoted_at", *values).sort("quoted_at")
    found = asked.join_asof(
        quotes, left_on="cut_at", right_on="quoted_at", by="item_id", tolerance=TOLERANCE, check_sortedness=False
    )
    found.drop("quoted_at").sink_parquet(written / "found.parquet")


if __name__ == "__main__":
    counted(work, *sys.argv[1:])
