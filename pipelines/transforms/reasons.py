"""Why a row is to be set apart, as an array of names."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F


def applying(reasons: Sequence[Column]) -> Column:
    """Those that are not null, in their order; an empty array where all are.

    Most rows have none, and are spared the filter: Spark does not compile it.
    """
    if not reasons:
        return F.array().cast("array<string>")
    has_none = F.coalesce(*reasons).isNull()
    return F.when(has_none, F.array().cast("array<string>")).otherwise(F.array_compact(F.array(*reasons)))
