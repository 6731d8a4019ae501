"""Versions of things: each holds from an instant until the next one does."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.tables import VALID_TO


def versions(held: DataFrame | None, applied: DataFrame, *, key: list[str], valid_from: str) -> DataFrame:
    """What is to be written of the versions in force once `applied` is, with `valid_to`: when the next version of the
    key begins, null for the newest.

    held: the versions in force, at least all of the keys of `applied`, with `valid_to`; None before there are any.
    applied: changed versions, one row a (key, `valid_from`), without `valid_to`; those with `_delete` go.
    Returns the rows of `applied` and those held whose `valid_to` changes, the columns of `applied` and `valid_to`. It
    depends on the versions in force alone, so any order of arrival ends in the same.
    """
    changed = applied.withColumns(
        {VALID_TO: F.lit(None).cast(applied.schema[valid_from].dataType), "_is_new": F.lit(True)}
    )
    if held is not None:
        if VALID_TO not in held.columns:  # the table began to keep versions with this declaration
            held = held.withColumn(VALID_TO, F.lit(None).cast(applied.schema[valid_from].dataType))
        around = held.join(applied.select(*key).distinct(), key, "left_semi")
        kept = around.join(applied.select(*key, valid_from), [*key, valid_from], "left_anti")
        changed = changed.unionByName(
            kept.withColumns({"_delete": F.lit(False), "_is_new": F.lit(False)}).select(*changed.columns)
        )
    in_time = Window.partitionBy(*key, "_delete").orderBy(valid_from)
    dated = changed.withColumn("_next", F.lead(valid_from).over(in_time))
    return (
        dated.where(F.col("_is_new") | ~F.col("_next").eqNullSafe(F.col(VALID_TO)))
        .withColumn(VALID_TO, F.col("_next"))
        .drop("_next", "_is_new")
    )
