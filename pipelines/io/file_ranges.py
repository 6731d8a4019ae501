"""Which files of a Delta table can hold rows with given keys, by the smallest and greatest key that its log keeps.

A read or a MERGE that says so leaves all other files alone, which is most of its time where few of many are touched.
"""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, Any

from pipelines.io import delta_log

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for Spark's import
    from pyspark.sql import Column, DataFrame

Range = tuple[tuple[str, Any, Any], ...]
"""(column, smallest, greatest) for each column of the key by which files can be told apart."""

MOST_RANGES = 64
"""Neighbouring files share a range where there are more: each row is compared with every range."""
_MILLISECOND = dt.timedelta(milliseconds=1)  # the log cuts a greatest instant down to the millisecond


def ranges(path: str, version: int, key: Sequence[str]) -> list[Range]:
    """The ranges of the key in which the files of a version lie; none if the log does not tell them for every file."""
    files = delta_log.statistics(path, version)
    told = [column for column in key if files and all(_is_told(file, column) for file in files)]
    if not told:
        return []
    each = sorted(tuple((column, file[f"min.{column}"], _greatest(file, column)) for column in told) for file in files)
    share = -(-len(each) // MOST_RANGES)
    return [reduce(_around, each[i : i + share]) for i in range(0, len(each), share)]


def touched(rows: DataFrame, among: Sequence[Range], key: Sequence[str]) -> list[Range] | None:
    """Those of the ranges in which a key of `rows` lies; None if a key has a null, which no range tells of."""
    from pyspark.sql import functions as F

    has_null = reduce(operator.or_, [F.col(f"`{column}`").isNull() for column in key])
    lies = [F.bool_or(_inside(one, "")).alias(str(i)) for i, one in enumerate(among)]
    row = rows.agg(F.bool_or(has_null).alias("null"), *lies).first()
    assert row is not None
    return None if row["null"] else [one for i, one in enumerate(among) if row[str(i)]]


def inside(any_of: Sequence[Range], alias: str = "") -> Column:
    """True for the rows of the table that lie in one of the ranges. alias: of the table."""
    from pyspark.sql import functions as F

    return reduce(operator.or_, [_inside(one, alias) for one in any_of], F.lit(False))


def _inside(one: Range, alias: str) -> Column:
    from pyspark.sql import functions as F

    columns = [(F.col(f"{alias}.`{name}`" if alias else f"`{name}`"), low, high) for name, low, high in one]
    return reduce(operator.and_, [(column >= F.lit(low)) & (column <= F.lit(high)) for column, low, high in columns])


def _is_told(file: dict[str, Any], column: str) -> bool:
    """Floating-point numbers are left out: NaN is in no statistics."""
    bounds = file.get(f"min.{column}"), file.get(f"max.{column}")
    return file.get(f"null_count.{column}") == 0 and all(isinstance(bound, int | str | dt.date) for bound in bounds)


def _greatest(file: dict[str, Any], column: str) -> Any:
    greatest = file[f"max.{column}"]
    return greatest + _MILLISECOND if isinstance(greatest, dt.datetime) else greatest


def _around(one: Range, other: Range) -> Range:
    return tuple((name, min(low, a), max(high, b)) for (name, low, high), (_, a, b) in zip(one, other, strict=True))
