"""Versions of things: each holds from an instant until the next one does."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.tables import VALID_TO


def versions(judged: DataFrame, *, key: list[str], valid_from: str) -> DataFrame:
    """Judged rows with `valid_to`: when the next version of the key begins that is in force afterwards, null for the
    newest; and with whether a row `_is_moved`: it is held, and its `valid_to` is another now.

    judged: as `reconcile` gives it, with all versions that are held of its keys. It depends on the versions in force
    alone, so any order of arrival ends in the same.
    """
    instant = judged.schema[valid_from].dataType
    if VALID_TO not in judged.columns:  # nothing is held, or the table began to keep versions with this declaration
        judged = judged.withColumn(VALID_TO, F.lit(None).cast(instant))
    is_held = F.col("outcome").isNull()
    stays = ~F.col("_delete") & F.when(is_held, ~F.col("_is_replaced")).otherwise(F.col("_applied"))
    in_time = Window.partitionBy(*key, "_stays").orderBy(valid_from)
    dated = judged.withColumn("_stays", stays).withColumn("_next", F.lead(valid_from).over(in_time))
    is_moved = is_held & F.col("_stays") & ~F.col("_next").eqNullSafe(F.col(VALID_TO))
    return dated.withColumns({"_is_moved": is_moved, VALID_TO: F.col("_next")}).drop("_stays", "_next")
