"""Changed rows into a table by key, in three ways: ours, a plain MERGE, union with a window and an overwrite.

A first upsert into a small table goes before, alike for all, so that the JVM has seen the code; only the second counts.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from pipelines.io.delta import Attempt, Warehouse
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Publication
from tests.bench.sides.spark import started

FILES = 25
KEY = "order_id"


def held(spark: SparkSession, rows: int) -> DataFrame:
    """Typed orders with the keys from 0 on, in the order of their keys."""
    said, at = F.xxhash64("id"), F.timestamp_seconds(1_704_067_200 + (F.col("id") * 7_776_000 / rows).cast("long"))
    regions = F.array(*map(F.lit, ("north", "east", "south", "west", "islands")))
    return spark.range(rows).select(
        F.col("id").alias(KEY),
        at.alias("ordered_at"),
        at.alias("revised_at"),
        F.concat(F.lit("c"), F.pmod(said, F.lit(100_000))).alias("customer_id"),
        F.get(regions, F.pmod(said, F.lit(5)).cast("int")).alias("region"),
        F.pmod(said, F.lit(1_000)).cast("int").alias("quantity"),
        (F.pmod(said, F.lit(100_000)) / 100).alias("price_usd"),
        F.when(F.pmod(said, F.lit(3)) == 0, "gift").alias("note"),
    )


def changes(spark: SparkSession, rows: int, spread: str) -> DataFrame:
    """1 % of the table: half of them newer rows for keys that are held, half new. spread: the held ones lie among the
    newest 4 % of keys, or everywhere."""
    some = rows // 200
    among, first = (rows // 25, rows - rows // 25) if spread == "newest" else (rows, 0)
    every = among // some
    newer = held(spark, rows).where(f"{KEY} >= {first} and ({KEY} - {first}) % {every} = 0").limit(some)
    later = held(spark, rows + some).where(f"{KEY} >= {rows}")
    return newer.unionByName(later).withColumns(
        {"revised_at": F.col("revised_at") + F.expr("interval 1 day"), "note": F.lit("revised")}
    )


def prepare(spark: SparkSession, folder: Path, rows: int, spread: str) -> None:
    warehouse = warehouse_in(spark, folder / "ours")
    for name, count in (("small", 10_000), ("orders", rows)):
        attempt = warehouse.open_attempt("shop", "ingest")
        laid_out = held(spark, count).repartitionByRange(FILES, KEY).sortWithinPartitions(KEY)
        warehouse.append(attempt, f"silver.{name}", laid_out, "write")
        warehouse.publish(attempt, Publication())
        changes(spark, count, spread).coalesce(1).write.parquet(str(folder / f"changes of {name}"))


def warehouse_in(spark: SparkSession, root: Path) -> Warehouse:
    root.mkdir(parents=True, exist_ok=True)
    return Warehouse(lambda: spark, str(root), Ledger(f"sqlite:///{root}/ledger.db"))


def ours(spark: SparkSession, folder: Path, name: str, new: DataFrame) -> None:
    warehouse = warehouse_in(spark, folder / "ours")
    attempt: Attempt = warehouse.open_attempt("shop", "ingest")
    rows = new.withColumn("_delete", F.lit(False))
    warehouse.merge(attempt, f"silver.{name}", rows, (KEY,), "write", delete_when="_delete")
    warehouse.publish(attempt, Publication())


def naive(spark: SparkSession, folder: Path, name: str, new: DataFrame) -> None:
    table = DeltaTable.forPath(spark, str(folder / "naive" / "silver" / name))
    merge = table.alias("held").merge(new.alias("new"), f"held.{KEY} = new.{KEY}")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


def overwrite(spark: SparkSession, folder: Path, name: str, new: DataFrame) -> None:
    path = str(folder / "overwrite" / "silver" / name)
    both = spark.read.format("delta").load(path).unionByName(new)
    newest = Window.partitionBy(KEY).orderBy(F.desc("revised_at"))
    latest = both.withColumn("nth", F.row_number().over(newest)).where("nth = 1").drop("nth")
    latest.write.format("delta").mode("overwrite").save(path)


WAYS: dict[str, Callable[[SparkSession, Path, str, DataFrame], None]] = {
    "ours": ours,
    "naive": naive,
    "overwrite": overwrite,
}


def main(way: str, conf: str, place: str, *made: str) -> None:
    spark, folder = started(conf), Path(place)
    if way == "prepare":
        rows, spread = made
        prepare(spark, folder, int(rows), spread)
        return
    for name in ("small", "orders"):
        new = spark.read.parquet(str(folder / f"changes of {name}"))
        begun = time.perf_counter()
        WAYS[way](spark, folder, name, new)
        worked = time.perf_counter() - begun
    print(f"work {worked:.3f} s")


if __name__ == "__main__":
    main(*sys.argv[1:])
