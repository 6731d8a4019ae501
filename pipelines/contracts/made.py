"""Rows that Spark's Python workers make last, and how: whoever wants them in such a worker can have them where they are
made. Otherwise each row would go to the JVM and come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

Make = Callable[[Iterator["pa.RecordBatch"]], Iterator["pa.RecordBatch"]]


@dataclass(frozen=True)
class Made:
    """rows: what the workers are given. make: what they make of a partition of it."""

    rows: DataFrame
    make: Make


_made: WeakKeyDictionary[DataFrame, Made] = WeakKeyDictionary()


def by_workers(rows: DataFrame, make: Make, schema: StructType) -> DataFrame:
    """What `make` makes of each partition of `rows`, in the columns of `schema`."""
    frame = rows.mapInArrow(make, schema)
    _made[frame] = Made(rows, make)
    return frame


def picked(frame: DataFrame, columns: Sequence[str]) -> DataFrame:
    """These columns of `frame`, in this order."""
    found = frame.select(*[f"`{name}`" for name in columns])
    if (how := how_made(frame)) is not None:
        names, make = list(columns), how.make  # all that goes to the workers: a DataFrame cannot
        _made[found] = Made(how.rows, lambda batches: (batch.select(names) for batch in make(batches)))
    return found


def how_made(frame: DataFrame) -> Made | None:
    """How workers make `frame`; None where Spark has the last word, or has its rows cached."""
    return None if frame.is_cached else _made.get(frame)
