"""A first query for a JVM that will live for one small batch, while the batch's own is still being planned.

Nearly all of such a run is Java loading and compiling what it meets for the first time. Planning keeps one core busy;
meanwhile the other goes through the steps of a batch once, on a few made-up rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

_begun: list[Thread] = []
_FIELDS = (
    "id",
    "cast(id as string) key",
    "split(concat(id, ',', id), ',', -1) texts",
    "timestamp_micros(id) at",
    "array_compact(array(cast(id as string), null)) reasons",
)
_READ = ("*", "try_cast(trim(texts[0]) as double) value", "trim(texts[1]) rlike '[a-z]' is_text")
_JUDGED = (
    "*",
    "row_number() over (partition by key order by at desc, id) place",
    "max(struct(at, value)) over (partition by key) greatest",
)


def begin(spark: SparkSession) -> None:
    """Begin the query, and do not wait for it; the process may end before it does."""
    thread = Thread(target=_run, args=(spark,), daemon=True)
    thread.start()
    _begun.append(thread)


def finish() -> None:
    """Wait for the query, if it was begun: Spark shall not be stopped under it."""
    while _begun:
        _begun.pop().join()


def judged(spark: SparkSession) -> DataFrame:
    """Rows that are read of texts, spread by key, sorted, ranked and given to Python workers, which import Arrow."""
    rows = spark.range(64, numPartitions=spark.sparkContext.defaultParallelism)
    ranked = rows.selectExpr(*_FIELDS).selectExpr(*_READ).repartition("key").selectExpr(*_JUDGED)
    return ranked.mapInArrow(_passed, ranked.schema)


def _run(spark: SparkSession) -> None:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    # an interrupted run cancels it; what else ails Spark, the run itself meets, and tells
    with suppress(Py4JError, PySparkException):
        judged(spark).collect()


def _passed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    from pipelines.io import new_files
    from pipelines.io.arrow_alone import without_pandas

    without_pandas()
    assert new_files
    yield from batches
