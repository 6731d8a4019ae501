"""Why a row is to be set apart, as an array of names."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F


def verdict(
    problem: Column, misread: Sequence[Column], broken: Sequence[Column], *, withdraws: Column
) -> tuple[Column, Column]:
    """Whether a row is good, and its reasons, none if it is.

    problem: why the record could not be parsed. misread: why each column could not be read. broken: each promise that
    the row breaks, which counts if it could be read and `withdraws` nothing. All null where they do not apply.
    Most rows are good, and are spared the arrays: Spark does not compile a filter.
    """
    is_misread, is_broken = _any(misread), _any(broken) & ~withdraws
    is_good = ~(problem.isNotNull() | is_misread | is_broken)
    # each mention of an expression is parsed and analysed anew, so `is_good` is none of these cases
    reasons = (
        F.when(problem.isNotNull(), F.array(F.concat(F.lit("unreadable: "), problem)))
        .when(is_misread, F.array_distinct(F.array_compact(F.array(*misread).cast("array<string>"))))
        .when(is_broken, F.array_compact(F.array(*broken).cast("array<string>")))
        .otherwise(F.array().cast("array<string>"))
    )
    return is_good, reasons


def _any(reasons: Sequence[Column]) -> Column:
    """Whether one of them is not null."""
    return F.coalesce(*reasons, F.lit(None)).isNotNull()
