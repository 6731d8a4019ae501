"""Twenty features in plain PySpark: a window for each, with a frame of its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import Column, Window
from pyspark.sql import functions as F

from tests.bench.domains.meters import domain as meters
from tests.bench.sides.spark import started
from tests.bench.sides.twice import counted

OF = {"mean": F.mean, "std": F.stddev, "min": F.min, "max": F.max}


def features() -> Iterator[Column]:
    """Over a meter's readings in the order of `_s`, their instants in seconds; each looks only at earlier ones."""
    series, load = Window.partitionBy("meter_id").orderBy("_s"), meters.LOAD
    for name, hours in zip(meters.LAGS, meters.LAGS_H, strict=True):
        yield F.lag(load, hours + meters.LEAD_H).over(series).alias(name)
    for hours in meters.SPANS_H:
        for op in meters.OPS:
            yield OF[op](load).over(series.rangeBetween(-hours * 3_600, -1)).alias(meters.rolling(op, hours))
    yield F.sum(load).over(series.rangeBetween(-meters.TOTAL_H * 3_600, -1)).alias(meters.TOTAL)
    yield F.count(load).over(series.rangeBetween(-meters.TOTAL_H * 3_600, -1)).alias(meters.COUNT)
    yield F.mean(load).over(series.rowsBetween(-meters.LAST_ROWS, -1)).alias(meters.LAST)
    for name, half_life_h in zip(meters.EWMS, meters.HALF_LIVES_H, strict=True):
        # a weight that doubles instead of halving: within a window only the ratio counts
        weight = F.pow(F.lit(2.0), (F.col("_s") - F.col("_first_s")) / (half_life_h * 3_600))
        window = series.rangeBetween(-meters.EWM_H * 3_600, -1)
        yield (F.sum(F.col(load) * weight).over(window) / F.sum(weight).over(window)).alias(name)


def main(conf: str, data: str, made: str) -> None:
    spark = started(conf)

    def work(read: Path, written: Path) -> None:
        readings = spark.read.parquet(str(read / "readings")).withColumn("_s", F.unix_seconds("read_at"))
        first = F.min("_s").over(Window.partitionBy("meter_id"))
        rows = readings.withColumn("_first_s", first)
        rows.select("meter_id", "read_at", *features()).write.parquet(str(written))

    counted(work, data, made)


if __name__ == "__main__":
    main(*sys.argv[1:])
