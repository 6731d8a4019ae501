"""Rows by key into a Delta table: a MERGE that looks only where the keys can lie, or no MERGE where none is held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipelines.io import delta_log, file_ranges

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for Spark's import
    from pyspark.sql import Column, DataFrame, SparkSession


def upsert(spark: SparkSession, path: str, rows: DataFrame, key: Sequence[str], delete_when: str) -> None:
    """Put `rows`, one a key at most, in place of those held at HEAD with the same key, in one commit at most.

    delete_when: "", or a boolean column that is not stored; where it is true, the key goes. All other columns are the
    table's. The commit's transaction is the session's.
    """
    # Imported here: see above.
    from delta.tables import DeltaTable
    from pyspark.sql import functions as F

    def gone(column: str) -> Column:
        return F.coalesce(F.col(column), F.lit(False)) if delete_when else F.lit(False)

    version = delta_log.head(path)
    assert version is not None
    same = F.expr(" AND ".join(f"held.`{name}` <=> new.`{name}`" for name in key))
    ranges = file_ranges.ranges(path, version, key)
    touched = file_ranges.touched(rows, ranges, key) if ranges else None
    if touched == []:
        added = rows.where(~gone(f"`{delete_when}`")).drop(delete_when)
        added.write.format("delta").mode("append").save(path)
        return
    if touched is not None:
        same = same & file_ranges.inside(touched, "held")
    values: dict[str, str | Column] = {
        f"`{name}`": F.col(f"new.`{name}`") for name in rows.columns if name != delete_when
    }
    merge = DeltaTable.forPath(spark, path).alias("held").merge(rows.alias("new"), same)
    merge = merge.whenMatchedDelete(gone(f"new.`{delete_when}`")).whenMatchedUpdate(set=values)
    merge.whenNotMatchedInsert(condition=~gone(f"new.`{delete_when}`"), values=values).execute()
