"""Rows by key into a Delta table: the files that can hold their keys are written anew, all others are left alone."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

from pipelines.io import file_ranges, table_files

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for Spark's import
    from pyspark.sql import Column, DataFrame, SparkSession

    from pipelines.io.new_files import NewFile

BROADCAST_ROWS = 500_000
"""So many keys at most are given to every task whole."""
REWRITTEN_BYTES = 64 * 1024**2
"""Above it the files whose keys are near are searched for those that hold one, before they are written anew."""


@dataclass(frozen=True)
class Upsert:
    """files: written, not yet committed. instead_of: names of those held that they stand for."""

    files: tuple[NewFile, ...]
    instead_of: tuple[str, ...]


def upsert(
    spark: SparkSession, path: str, version: int, rows: DataFrame, key: Sequence[str], delete_when: str
) -> Upsert:
    """Write `rows`, one a key at most, and what else the files of `version` hold that have a row with the same key.

    delete_when: "", or a boolean column that is not stored; where it is true, the key goes. All other columns are the
    table's. `rows` is computed several times.
    """
    from pyspark.sql import functions as F

    added = rows.where(~F.coalesce(F.col(f"`{delete_when}`"), F.lit(False))).drop(delete_when) if delete_when else rows
    lying = file_ranges.lying(path, version, key)
    if not lying:
        return Upsert(table_files.write(added, path), ())
    among = list(dict.fromkeys(files.within for files in lying))
    count, touched = file_ranges.touched(rows, among, key)
    near = [files for files in lying if files.within in touched]
    names = tuple(sorted(name for files in near for name in files.names))
    keys = rows.select(*[F.col(f"`{name}`") for name in key])
    if count <= BROADCAST_ROWS:
        keys = F.broadcast(keys)
    if sum(files.size for files in near) > REWRITTEN_BYTES:
        names = _holding(table_files.read(spark, path, version, names), keys, key)
    if not names:
        return Upsert(table_files.write(added, path), ())
    held = table_files.read(spark, path, version, names).alias("held")
    kept = held.join(keys.alias("new"), _same(key), "left_anti")
    with table_files.one_by_one(spark):
        return Upsert(table_files.write(kept.unionByName(added), path), names)


def _holding(held: DataFrame, keys: DataFrame, key: Sequence[str]) -> tuple[str, ...]:
    """The names of the files that hold a row with one of the keys."""
    from pyspark.sql import functions as F

    named = held.select(*[F.col(f"`{name}`") for name in key], F.col("_metadata.file_name").alias("file"))
    found = named.alias("held").join(keys.alias("new"), _same(key), "left_semi").select("file").distinct().collect()
    return tuple(sorted(line["file"] for line in found))


def _same(key: Sequence[str]) -> Column:
    from pyspark.sql import functions as F

    return reduce(operator.and_, [F.col(f"held.`{name}`").eqNullSafe(F.col(f"new.`{name}`")) for name in key])
