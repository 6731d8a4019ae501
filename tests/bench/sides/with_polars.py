"""Polars on two threads: scan, filter, the newest row of each key, parquet. What it cannot read is left out."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

FIELDS = ("order_id", "ordered_at", "revised_at", "customer_id", "region", "quantity", "price_usd", "note")


def main(raw: str, made: str) -> None:
    Path(made).mkdir(parents=True, exist_ok=True)
    schema = dict.fromkeys((*FIELDS, "torn"), pl.String)
    lines = pl.scan_csv(f"{raw}/*.csv", has_header=False, skip_rows=1, schema=schema, missing_columns="insert")
    rows = lines.filter(pl.col("torn").is_null()).select(
        pl.col("order_id").cast(pl.Int64, strict=False),
        pl.col("ordered_at", "revised_at").str.to_datetime("%Y-%m-%d %H:%M:%S", time_unit="us", strict=False),
        "customer_id",
        "region",
        pl.col("quantity").cast(pl.Int32, strict=False),
        pl.col("price_usd").cast(pl.Float64, strict=False),
        "note",
    )
    good = rows.filter(
        pl.col("order_id").is_not_null() & pl.col("quantity").is_between(1, 1000) & (pl.col("price_usd") >= 0)
    )
    good.sort("revised_at").unique("order_id", keep="last").sink_parquet(f"{made}/orders.parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
