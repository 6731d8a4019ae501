"""The parquet files of a Delta table by Spark, without Delta's own classes: read by name, and written by the workers.

Delta's log is read and written outside the JVM (`delta_log`, `delta_commits`), so a batch needs none of the code with
which Delta plans, and which a JVM that lives for one batch would load and compile for that batch alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from pipelines.contracts.made import how_made
from pipelines.io import delta_log
from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import must_be_as_long
from pipelines.io.lock import local_path

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for their import
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from pipelines.io.new_files import NewFile

ROW_GROUP_BYTES = 64 * 1024**2
_GLOB = re.compile(r"([\[\]{}*?\\])")
_OPEN_COST = "spark.sql.files.openCostInBytes"
_PARTITION = "spark.sql.files.maxPartitionBytes"


def columns(path: str, version: int | None = None) -> StructType:
    """The table's columns at a version (None: the newest)."""
    from pyspark.sql.types import StructType

    return StructType.fromJson(json.loads(delta_log.opened(path, version).schema().to_json()))


def schema_of(rows: DataFrame) -> str:
    """The columns of `rows` as JSON; of a table none is ever declared to be without nulls."""
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(column.name, column.dataType) for column in rows.schema]).json()


def read(spark: SparkSession, path: str, version: int, names: Sequence[str]) -> DataFrame:
    """The rows of some of the files that hold a version; a column that a file lacks is null in its rows.

    WarehouseError if one of them is missing or of another length. One that is damaged otherwise ends the reading; see
    `integrity.damage_named`.
    """
    held, sizes = columns(path, version), delta_log.sizes_by_name(path, version)
    if not names:
        return spark.createDataFrame([], held)
    folder = local_path(path)
    if folder is not None:
        must_be_as_long({str(folder / name): sizes[name] for name in names})
    # Spark takes every path for a pattern; its option against that lists files twice and passes over missing ones
    rows = spark.read.schema(held).parquet(*[_GLOB.sub(r"\\\1", f"{path}/{name}") for name in names])
    if folder is None:
        found, told = _listed_bytes(rows), sum(sizes[name] for name in names)
        if found != told:
            raise WarehouseError(f"{path}: files of version {version} have {found:,} bytes, but {told:,} were written")
    return rows


def _listed_bytes(rows: DataFrame) -> int:
    """How long Spark found all files together that `rows` are read of."""
    return int(str(rows._jdf.queryExecution().optimizedPlan().stats().sizeInBytes()))


@contextmanager
def one_by_one(spark: SparkSession) -> Iterator[None]:
    """Files read inside, be they ever so small, are a partition each."""
    before = str(spark.conf.get(_OPEN_COST))
    spark.conf.set(_OPEN_COST, str(spark.conf.get(_PARTITION)))
    try:
        yield
    finally:
        spark.conf.set(_OPEN_COST, before)


def write(rows: DataFrame, folder: str) -> tuple[NewFile, ...]:
    """Write each partition that has rows as a file of the table in `folder`; nothing is committed."""
    from pipelines.io.new_files import NewFile

    how = how_made(rows)
    given, make = (rows, iter) if how is None else (how.rows, how.make)

    def written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _written(folder, make(batches))

    told = given.mapInArrow(written, "path string, size long, written_ms long, statistics string")
    return tuple(NewFile(*line) for line in told.collect())


def _written(folder: str, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A partition's rows as one file; what is told of it."""
    import pyarrow as pa

    from pipelines.io import new_files
    from pipelines.io.arrow_alone import without_pandas

    without_pandas()
    given = iter(batches)
    first = next(given, None)
    if first is None:
        return
    schema = pa.schema([field.with_nullable(True) for field in first.schema])  # as the log declares all columns
    groups = _row_groups(schema, chain([first], given))
    written = [vars(file) for file in new_files.write(folder, schema, groups)]
    if written:
        yield pa.RecordBatch.from_pylist(written)


def _row_groups(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        waiting.append(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
        size += batch.nbytes
        if size >= ROW_GROUP_BYTES:
            yield pa.concat_batches(waiting)
            waiting, size = [], 0
    if waiting:
        yield pa.concat_batches(waiting)
