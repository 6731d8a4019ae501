"""Rows that workers make: the same whether Spark has them or who writes them where they are made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import LongType, StructField, StructType

from pipelines.contracts.made import by_workers, how_made, picked
from pipelines.io import table_files


def frame(spark: SparkSession) -> DataFrame:
    def doubled(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield batch.append_column("twice", pc.multiply(batch["id"], 2))

    columns = StructType([StructField(name, LongType()) for name in ("id", "twice")])
    return by_workers(spark.range(5).coalesce(1), doubled, columns)


def test_rows_are_written_where_they_are_made(spark: SparkSession, tmp_path: Path) -> None:
    rows = picked(frame(spark), ["twice", "id"])
    assert [tuple(row) for row in rows.collect()] == [(0, 0), (2, 1), (4, 2), (6, 3), (8, 4)]
    how = how_made(rows)
    assert how is not None
    assert how.rows.columns == ["id"]
    (file,) = table_files.write(rows, str(tmp_path))
    assert pq.read_table(tmp_path / file.path).to_pylist() == [{"twice": 2 * at, "id": at} for at in range(5)]


def test_what_spark_does_last_or_has_cached_is_sparks(spark: SparkSession) -> None:
    assert how_made(frame(spark).where("id > 2")) is None
    rows = frame(spark).persist()
    try:
        assert how_made(rows) is None
        assert how_made(picked(rows, ["id"])) is None
    finally:
        rows.unpersist()
    assert how_made(picked(spark.range(3), ["id"])) is None
