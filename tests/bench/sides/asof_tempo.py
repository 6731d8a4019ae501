"""The newest price by dbl-tempo's asofJoin, which wants one name for the time of both sides."""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import functions as F
from tempo import TSDF

from tests.bench.domains.market.domain import NEWEST, TTL_HOURS
from tests.bench.sides.spark import started
from tests.bench.sides.twice import counted

TOLERANCE_S = TTL_HOURS * 3_600 - 1  # tempo keeps a fact that is just as old as its tolerance; all are at whole seconds


def main(conf: str, data: str, made: str) -> None:
    spark = started(conf)

    def work(read: Path, written: Path) -> None:
        asked = spark.read.parquet(str(read / "asked")).withColumnRenamed("cut_at", "at")
        quotes = spark.read.parquet(str(read / "quotes")).select(
            "item_id", F.col("quoted_at").alias("at"), "price_usd", "stock"
        )
        left, right = TSDF(asked, "at", ["item_id"]), TSDF(quotes, "at", ["item_id"])
        found = left.asofJoin(right, right_prefix="known", tolerance=TOLERANCE_S).df
        values = [F.col(f"known_{f.column}").alias(name) for f in NEWEST.features for name in f.names()]
        found.select("item_id", F.col("at").alias("cut_at"), *values).write.parquet(str(written))

    counted(work, data, made)


if __name__ == "__main__":
    main(*sys.argv[1:])
