"""PySpark and Delta by hand, with equal guarantees: raw text kept, bad rows set apart with reasons, rows by key.

Each write carries a transaction, so that a repetition is skipped. The parsed batch is cached, since two writes read it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from delta.tables import DeltaTable
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from tests.bench.sides.spark import started

BATCH = 1
FIELDS = ("order_id", "ordered_at", "revised_at", "customer_id", "region", "quantity", "price_usd", "note")
HEADER = ",".join(FIELDS)
TYPES = {
    "order_id": "try_cast(raw.order_id as bigint)",
    "ordered_at": "try_to_timestamp(raw.ordered_at, 'yyyy-MM-dd HH:mm:ss')",
    "revised_at": "try_to_timestamp(raw.revised_at, 'yyyy-MM-dd HH:mm:ss')",
    "customer_id": "raw.customer_id",
    "region": "raw.region",
    "quantity": "try_cast(raw.quantity as int)",
    "price_usd": "try_cast(raw.price_usd as double)",
    "note": "raw.note",
}


def keep_raw(spark: SparkSession, raw: str, bronze: str) -> DataFrame:
    """Every line as it came, with its file, in bronze; read back from there."""
    lines = spark.read.text(raw).where(F.col("value") != HEADER)
    kept = lines.select(
        F.col("value").alias("raw"),
        F.col("_metadata.file_name").alias("file"),
        F.lit(BATCH).alias("batch"),
        F.current_timestamp().alias("ingested_at"),
    )
    _append(kept, bronze, "bronze")
    return spark.read.format("delta").load(bronze).where(F.col("batch") == BATCH)


def judged(kept: DataFrame) -> DataFrame:
    """Typed rows with the reasons for which they are to be set apart."""
    schema = ", ".join(f"{name} string" for name in (*FIELDS, "torn"))
    options = {"columnNameOfCorruptRecord": "torn", "mode": "PERMISSIVE", "escape": '"'}
    parsed = kept.withColumnRenamed("raw", "line").withColumn("raw", F.from_csv("line", schema, options))
    typed = parsed.select("line", "file", "raw", *[F.expr(sql).alias(name) for name, sql in TYPES.items()])
    reasons = [F.when(F.col("raw.torn").isNotNull(), F.lit("the number of fields"))]
    reasons += [_unless(F.col(name).isNotNull(), f"{name} is missing or unreadable") for name in FIELDS[:-1]]
    reasons.append(F.when(~F.expr("quantity between 1 and 1000"), F.lit("quantity is not physical")))
    reasons.append(F.when(F.col("price_usd") < 0, F.lit("the price is negative")))
    return typed.withColumn("reasons", F.array_compact(F.array(*reasons))).drop("raw")


def upsert(spark: SparkSession, rows: DataFrame, silver: str) -> None:
    """The newest row of each key, in place of an older one that is held; without a join where nothing is held yet."""
    newest = Window.partitionBy("order_id").orderBy(F.desc("revised_at"))
    latest = rows.withColumn("nth", F.row_number().over(newest)).where("nth = 1").drop("nth")
    if not Path(silver).exists():
        _append(latest, silver, "silver")
        return
    merge = DeltaTable.forPath(spark, silver).alias("held").merge(latest.alias("new"), "held.order_id = new.order_id")
    merge = merge.whenMatchedUpdateAll(F.expr("new.revised_at > held.revised_at"))
    merge.whenNotMatchedInsertAll().execute()


def main(conf: str, raw: str, made: str) -> None:
    spark = started(conf)
    rows = judged(keep_raw(spark, raw, f"{made}/bronze")).persist()
    set_apart = rows.where("size(reasons) > 0").select("line", "file", "reasons", F.lit(BATCH).alias("batch"))
    _append(set_apart, f"{made}/quarantine", "quarantine")
    upsert(spark, rows.where("size(reasons) = 0").select(*FIELDS), f"{made}/silver")


def _append(rows: DataFrame, path: str, application: str) -> None:
    rows.write.format("delta").mode("append").options(txnAppId=application, txnVersion=BATCH).save(path)


def _unless(holds: Column, reason: str) -> Column:
    return F.when(~holds, F.lit(reason))


if __name__ == "__main__":
    main(*sys.argv[1:])
