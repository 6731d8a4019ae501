"""Literal rows into Spark and out again, with instants as text in UTC."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType


def frame(spark: SparkSession, columns: str, rows: list[tuple[Any, ...]]) -> DataFrame:
    """rows in the order of `columns` (DDL); timestamps as text, which is read as UTC."""
    schema = StructType.fromDDL(columns)
    instants = {field.name for field in schema if field.dataType.typeName() == "timestamp"}
    given = StructType.fromDDL(
        ", ".join(f"{f.name} {'string' if f.name in instants else f.dataType.simpleString()}" for f in schema)
    )
    return spark.createDataFrame(rows, given).withColumns({name: F.col(name).cast("timestamp") for name in instants})


def rows(of: DataFrame, *order: str) -> list[tuple[Any, ...]]:
    """All rows, sorted by the columns `order` if there is more than one; instants as text in UTC, to the minute."""
    instants = [field.name for field in of.schema if field.dataType.typeName() == "timestamp"]
    shown = (of.orderBy(*order) if order else of).withColumns(
        {name: F.date_format(name, "yyyy-MM-dd HH:mm") for name in instants}
    )
    return [tuple(row) for row in shown.collect()]
