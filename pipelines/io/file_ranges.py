"""Which files of a Delta table can hold rows with given keys, by the smallest and greatest key that its log keeps.

A read or an upsert that asks leaves all other files alone, which is most of its time where few of many are touched.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

from pipelines.io import delta_log

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for Spark's import
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

Range = tuple[tuple[str, Any, Any], ...]
"""(column, smallest, greatest) for each column of the key by which files can be told apart; () holds everything."""

MOST_RANGES = 64
"""Neighbouring files share a range where there are more: each row is compared with every range."""
_MILLISECOND = dt.timedelta(milliseconds=1)  # the log cuts a greatest instant down to the millisecond


@dataclass(frozen=True)
class Lying:
    """Files of a version, by name, and the range within which the keys of all their rows lie. size: in bytes."""

    names: tuple[str, ...]
    within: Range
    size: int


def lying(path: str, version: int, key: Sequence[str]) -> list[Lying]:
    """All files of a version, those whose keys are neighbours together; of a column is told only what the log tells
    for every file."""
    files = delta_log.statistics(path, version)
    told = [column for column in key if all(_is_told(file, column) for file in files)]

    def within(file: dict[str, Any]) -> Range:
        return tuple((column, file[f"min.{column}"], _greatest(file, column)) for column in told)

    each = sorted((within(file), file["path"], file["size_bytes"]) for file in files)
    share = -(-len(each) // MOST_RANGES) if told else len(each)
    return [_together(each[i : i + share]) for i in range(0, len(each), max(1, share))]


def touched(rows: DataFrame, among: Sequence[Range], key: Sequence[str]) -> tuple[int, list[Range]]:
    """How many rows there are, and in which of the ranges a key of theirs lies: in all if one has a null, which no
    range tells of."""
    from pyspark.sql import functions as F

    has_null = reduce(operator.or_, [F.col(f"`{column}`").isNull() for column in key])
    lies = [F.bool_or(_inside(one)).alias(str(i)) for i, one in enumerate(among)]
    row = rows.agg(F.count("*").alias("rows"), F.bool_or(has_null).alias("null"), *lies).first()
    assert row is not None
    return row["rows"], [one for i, one in enumerate(among) if row["null"] or row[str(i)]]


def of_keys(keys: pa.Table, among: Sequence[Range]) -> list[Range]:
    """In which of the ranges one of the keys lies, of which none has a null."""
    return [one for one in among if keys.num_rows and (not one or _lies(keys, one))]


def _lies(keys: pa.Table, one: Range) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    bounds = [
        (keys[name], pa.scalar(low, keys[name].type), pa.scalar(high, keys[name].type)) for name, low, high in one
    ]
    inside = [pc.and_(pc.greater_equal(column, low), pc.less_equal(column, high)) for column, low, high in bounds]
    return bool(pc.any(reduce(pc.and_, inside)).as_py())


def _together(files: Sequence[tuple[Range, str, int]]) -> Lying:
    names, sizes = [name for _, name, _ in files], [size for *_, size in files]
    return Lying(tuple(names), reduce(_around, [within for within, *_ in files]), sum(sizes))


def _inside(one: Range) -> Column:
    from pyspark.sql import functions as F

    bounds = [F.col(f"`{name}`").between(F.lit(low), F.lit(high)) for name, low, high in one]
    return reduce(operator.and_, bounds, F.lit(True))


def _is_told(file: dict[str, Any], column: str) -> bool:
    """Floating-point numbers are left out: NaN is in no statistics."""
    bounds = file.get(f"min.{column}"), file.get(f"max.{column}")
    return file.get(f"null_count.{column}") == 0 and all(isinstance(bound, int | str | dt.date) for bound in bounds)


def _greatest(file: dict[str, Any], column: str) -> Any:
    greatest = file[f"max.{column}"]
    return greatest + _MILLISECOND if isinstance(greatest, dt.datetime) else greatest


def _around(one: Range, other: Range) -> Range:
    return tuple((name, min(low, a), max(high, b)) for (name, low, high), (_, a, b) in zip(one, other, strict=True))
