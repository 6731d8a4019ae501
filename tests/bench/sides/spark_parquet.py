"""Plain PySpark and parquet: Spark's own CSV reader drops what it cannot read; nothing else is kept or counted."""

from __future__ import annotations

import sys

from pyspark.sql import Window
from pyspark.sql import functions as F

from tests.bench.sides.spark import started

SCHEMA = (
    "order_id bigint, ordered_at timestamp, revised_at timestamp, customer_id string, region string, quantity int, "
    "price_usd double, note string"
)
GOOD = "order_id is not null and quantity between 1 and 1000 and price_usd >= 0"


def main(conf: str, raw: str, made: str) -> None:
    spark = started(conf)
    rows = spark.read.csv(
        raw, SCHEMA, header=True, mode="DROPMALFORMED", timestampFormat="yyyy-MM-dd HH:mm:ss", quote='"', escape='"'
    )
    newest = Window.partitionBy("order_id").orderBy(F.desc("revised_at"))
    latest = rows.where(GOOD).withColumn("nth", F.row_number().over(newest)).where("nth = 1").drop("nth")
    latest.write.parquet(made)


if __name__ == "__main__":
    main(*sys.argv[1:])
