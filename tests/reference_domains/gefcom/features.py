"""What an hour's temperatures come to."""

from __future__ import annotations

from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from .domain import STATIONS


def load(rows: DataFrame) -> DataFrame:
    """`temp_f`: the mean of the stations."""
    total = reduce(lambda so_far, station: so_far + station, [F.col(f"{station}_f") for station in STATIONS])
    return rows.withColumn("temp_f", total / len(STATIONS))
