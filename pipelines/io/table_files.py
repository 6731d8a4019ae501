"""The parquet files of a Delta table by Spark, without Delta's own classes: read by name, and written by the workers.

Delta's log is read and written outside the JVM (`delta_log`, `delta_commits`), so a batch needs none of the code with
which Delta plans, and which a JVM that lives for one batch would load and compile for that batch alone.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from pipelines.contracts.made import how_made
from pipelines.contracts.shares import HELD_FILE, HELD_ROW, Share
from pipelines.io import delta_log
from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import must_be_as_long, must_be_whole
from pipelines.io.lock import local_path

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for their import
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

    from pipelines.io.new_files import NewFile

ROW_GROUP_BYTES = 64 * 1024**2
_FEW = 2
"""So many files are written anew sooner here than by a job of Spark."""
_PLACE = {HELD_FILE: "_metadata.file_name", HELD_ROW: "_metadata.row_index"}
_GLOB = re.compile(r"([\[\]{}*?\\])")
_OPEN_COST = "spark.sql.files.openCostInBytes"
_PARTITION = "spark.sql.files.maxPartitionBytes"
_NEXT_TO_NOTHING = "256k"


def columns(path: str, version: int | None = None) -> StructType:
    """The table's columns at a version (None: the newest)."""
    from pyspark.sql.types import StructType

    return StructType.fromJson(json.loads(delta_log.opened(path, version).schema().to_json()))


def placed_columns(path: str, version: int) -> StructType:
    """A version's columns, and with them HELD_FILE and HELD_ROW."""
    return columns(path, version).add(HELD_FILE, "string").add(HELD_ROW, "long")


def schema_of(columns: StructType) -> str:
    """The columns as JSON; of a table none is ever declared to be without nulls."""
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(column.name, column.dataType) for column in columns]).json()


def read(spark: SparkSession, path: str, version: int, names: Sequence[str], *, is_placed: bool = False) -> DataFrame:
    """The rows of some of the files that hold a version; a column that a file lacks is null in its rows.

    is_placed: each with HELD_FILE and HELD_ROW.

    WarehouseError if one of them is missing or of another length. One that is damaged otherwise ends the reading; see
    `integrity.damage_named`.
    """
    from pyspark.sql import functions as F

    held, sizes = columns(path, version), delta_log.sizes_by_name(path, version)
    if not names:
        return spark.createDataFrame([], placed_columns(path, version) if is_placed else held)
    folder = local_path(path)
    if folder is not None:
        must_be_as_long({str(folder / name): sizes[name] for name in names})
    # Spark takes every path for a pattern; its option against that lists files twice and passes over missing ones
    rows = spark.read.schema(held).parquet(*[_GLOB.sub(r"\\\1", f"{path}/{name}") for name in names])
    if folder is None:
        found, told = _listed_bytes(rows), sum(sizes[name] for name in names)
        if found != told:
            raise WarehouseError(f"{path}: files of version {version} have {found:,} bytes, but {told:,} were written")
    return rows.select("*", *[F.col(of).alias(name) for name, of in _PLACE.items()]) if is_placed else rows


def _listed_bytes(rows: DataFrame) -> int:
    """How long Spark found all files together that `rows` are read of."""
    return int(str(rows._jdf.queryExecution().optimizedPlan().stats().sizeInBytes()))


@contextmanager
def one_by_one(spark: SparkSession) -> Iterator[None]:
    """Files read inside, be they ever so small, are a partition each."""
    with _opening(spark, str(spark.conf.get(_PARTITION))):
        yield


@contextmanager
def cut_evenly(spark: SparkSession) -> Iterator[None]:
    """Files read inside are cut up and shared out among the cores by their bytes, be they ever so few."""
    with _opening(spark, _NEXT_TO_NOTHING):
        yield


@contextmanager
def _opening(spark: SparkSession, size: str) -> Iterator[None]:
    """To open a file counts as much as to read so much of it."""
    before = str(spark.conf.get(_OPEN_COST))
    spark.conf.set(_OPEN_COST, size)
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


@dataclass(frozen=True)
class WrittenShares:
    """files: of each share. gone: of each share, for each file of its table that holds rows which go, these rows as
    `row_marks` has them. counted: of all rows, part by part."""

    files: Mapping[Share, tuple[NewFile, ...]]
    gone: Mapping[Share, Mapping[str, Sequence[str]]]
    counted: Sequence[Any]


def write_shares(
    rows: DataFrame, folders: Mapping[Share, str], count: Callable[[pa.RecordBatch], Any]
) -> WrittenShares:
    """Write of each partition what each share takes as a file in the share's folder; nothing is committed.

    count: is given all rows, part by part, where they are; what it makes of them goes through JSON.
    """
    from pipelines.io.new_files import NewFile

    def written(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return _shared_out(folders, count, batches)

    told = [json.loads(line["told"]) for line in rows.mapInArrow(written, "told string").collect()]
    files, gone = {}, {}
    for place, share in enumerate(folders):
        files[share] = tuple(NewFile(**file) for part in told for file in part["files"][place])
        marks: defaultdict[str, list[str]] = defaultdict(list)
        for part in told:
            for name, rows_marked in part["gone"][place].items():
                marks[name].append(rows_marked)
        gone[share] = dict(marks)
    return WrittenShares(files, gone, [one for part in told for one in part["counted"]])


def _shared_out(
    folders: Mapping[Share, str], count: Callable[[pa.RecordBatch], Any], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """A partition's rows in the files of their shares; what is told of these, and of the rows."""
    import pyarrow as pa

    from pipelines.io.arrow_alone import without_pandas
    from pipelines.io.new_files import Writing

    without_pandas()
    files: dict[Share, Writing] = {}
    going: dict[Share, list[pa.RecordBatch]] = {share: [] for share in folders}
    counted = []
    for group in _row_groups(batches):
        counted.append(count(group))
        for share, folder in folders.items():
            is_its, taken = group[share.where], group.select(share.columns)
            if share not in files:
                files[share] = Writing(folder, taken.schema)
            files[share].put(taken if is_its.true_count == len(is_its) else taken.filter(is_its))
            if share.goes:
                going[share].append(group.select([HELD_FILE, HELD_ROW]).filter(group[share.goes]))
    if counted:
        made = [[vars(file) for file in files[share].done()] for share in folders]
        gone = [_marks(going[share]) for share in folders]
        yield pa.RecordBatch.from_pylist([{"told": json.dumps({"files": made, "gone": gone, "counted": counted})}])


def _marks(places: Sequence[pa.RecordBatch]) -> dict[str, str]:
    """By file the rows that lie at these places."""
    import numpy as np
    import pyarrow as pa

    from pipelines.io.row_marks import marked

    if not places:
        return {}
    lying = pa.Table.from_batches(places).group_by(HELD_FILE, use_threads=False).aggregate([(HELD_ROW, "list")])
    return {line[HELD_FILE]: marked(np.array(line[f"{HELD_ROW}_list"])) for line in lying.to_pylist()}


def write_without(spark: SparkSession, table: str, path: str, gone: Mapping[str, Sequence[str]]) -> tuple[NewFile, ...]:
    """Write what the named files of HEAD hold but for the rows marked, a file for each that holds more; nothing is
    committed. WarehouseError, which names the table, where one of them is damaged."""
    from pipelines.io import new_files

    schema = delta_log.arrow_schema(path)
    must_be_whole(table, [f"{path}/{name}" for name in gone])

    def anew(name: str) -> tuple[NewFile, ...]:
        return new_files.write_without(path, name, gone[name], schema)

    if len(gone) <= _FEW:
        with ThreadPoolExecutor(_FEW) as pool:
            return tuple(chain.from_iterable(pool.map(anew, sorted(gone))))
    tasks = min(len(gone), 3 * spark.sparkContext.defaultParallelism)
    return tuple(spark.sparkContext.parallelize(sorted(gone), tasks).flatMap(anew).collect())


def _written(folder: str, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """A partition's rows as one file; what is told of it."""
    import pyarrow as pa

    from pipelines.io import new_files
    from pipelines.io.arrow_alone import without_pandas

    without_pandas()
    groups = _row_groups(batches)
    first = next(groups, None)
    if first is None:
        return
    written = [vars(file) for file in new_files.write(folder, first.schema, chain([first], groups))]
    if written:
        yield pa.RecordBatch.from_pylist(written)


def _row_groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    waiting: list[pa.RecordBatch] = []
    size, schema = 0, None
    for batch in batches:
        # as the log declares all columns
        schema = schema or pa.schema([field.with_nullable(True) for field in batch.schema])
        waiting.append(pa.RecordBatch.from_arrays(batch.columns, schema=schema))
        size += batch.nbytes
        if size >= ROW_GROUP_BYTES:
            yield pa.concat_batches(waiting)
            waiting, size = [], 0
    if waiting:
        yield pa.concat_batches(waiting)
