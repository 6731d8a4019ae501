"""Twenty features by dbl-tempo: EMA and withRangeStats, over instants in whole seconds, which it sorts fastest.

Both look at a row's own value too, so the values are put off by a row first; lags are Spark's own, as tempo has none.
EMA comes first: it sorts all rows by time, and what follows can use the order by meter that it leaves.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import Window
from pyspark.sql import functions as F
from tempo import TSDF

from tests.bench.domains.meters import domain as meters
from tests.bench.sides.spark import started
from tests.bench.sides.twice import counted

KEY = ["meter_id"]
TEMPOS = {"mean": "mean", "std": "stddev", "min": "min", "max": "max", "sum": "sum", "count": "count"}


def smoothed(rows: TSDF, half_life_h: float, name: str) -> TSDF:
    found = rows.EMA(meters.LOAD, meters.EWM_H, 1 - 0.5 ** (1 / half_life_h)).df
    return TSDF(found.withColumnRenamed(f"EMA_{meters.LOAD}", name), "_s", KEY)


def ranged(rows: TSDF, hours: int, names: dict[str, str]) -> TSDF:
    """The statistics of so many hours; names: of the column for each one that is wanted."""
    before = rows.df.columns
    found = rows.withRangeStats(colsToSummarize=[meters.LOAD], rangeBackWindowSecs=hours * 3_600 - 1).df
    wanted = [F.col(f"{TEMPOS[op]}_{meters.LOAD}").alias(name) for op, name in names.items()]
    return TSDF(found.select(*before, *wanted), "_s", KEY)


def main(conf: str, data: str, made: str) -> None:
    spark = started(conf)
    series = Window.partitionBy(*KEY).orderBy("_s")

    def work(read: Path, written: Path) -> None:
        readings = spark.read.parquet(str(read / "readings"))
        put_off = readings.select("meter_id", "read_at", F.unix_seconds("read_at").alias("_s"), meters.LOAD)
        rows = TSDF(put_off.withColumn(meters.LOAD, F.lag(meters.LOAD, meters.LEAD_H).over(series)), "_s", KEY)
        for name, half_life_h in zip(meters.EWMS, meters.HALF_LIVES_H, strict=True):
            rows = smoothed(rows, half_life_h, name)
        for hours in meters.SPANS_H:
            names = {op: meters.rolling(op, hours) for op in meters.OPS}
            rows = ranged(rows, hours, names | ({"sum": meters.TOTAL, "count": meters.COUNT} if hours == 24 else {}))
        rows = ranged(rows, meters.LAST_ROWS, {"mean": meters.LAST})
        lags = {
            name: F.lag(meters.LOAD, hours).over(series) for name, hours in zip(meters.LAGS, meters.LAGS_H, strict=True)
        }
        found = rows.df.withColumns(lags)
        found.select("meter_id", "read_at", *meters.RECENT.names()).write.parquet(str(written))

    counted(work, data, made)


if __name__ == "__main__":
    main(*sys.argv[1:])
