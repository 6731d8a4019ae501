"""All that was known of an entity so far, as totals that are carried along the time line of knowing."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.features import Expanding


def so_far(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[Expanding, ...],
) -> DataFrame:
    """Add one column (double) a feature to the probes; null where nothing was known, 0 for a count. Row count is that
    of probes.

    probes: `by` and the cut-off `at`. facts: `by`, `event`, the features' columns, and the two columns `known`: from
    when to when (null: to this day) they may be used. A value that is not finite counts as none.

    A value is added when it has happened and is known, and taken off when it no longer holds; moves of one instant go
    in order of (event, known, sign, value). `windows.totals_so_far` does the same for one entity, to the last bit.
    """
    for column in sorted({feature.column for feature in features}):
        asked = tuple(feature for feature in features if feature.column == column)
        probes = _column(probes, facts, by, at, event, known, asked)
    return probes


def _column(
    probes: DataFrame,
    facts: DataFrame,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[Expanding, ...],
) -> DataFrame:
    value, enters, leaves = F.col(features[0].column).cast("double"), F.greatest(event, known[0]), F.col(known[1])
    moves = [F.struct(when.alias("at"), F.lit(sign).alias("sign")) for when, sign in ((enters, 1), (leaves, -1))]
    # a window's partitions, unlike a join, would take two nulls for one name
    told = facts.dropna(subset=[*by, event]).where(F.abs(value) < F.lit(float("inf")))
    told = told.where(leaves.isNull() | (enters < leaves)).select(
        *by,
        F.col(event).alias("_event"),
        F.col(known[0]).alias("_known"),
        value.alias("_value"),
        F.explode(F.array(*moves)).alias("_move"),
    )
    changes = told.where("_move.at is not null").select(
        *[*by, "_event", "_known", "_value"],
        F.col("_move.at").alias("_at"),
        F.col("_move.sign").alias("_sign"),
        F.lit(False).alias("_is_probe"),
    )
    line = probes.withColumns({"_at": F.col(at), "_is_probe": F.lit(True)}).unionByName(
        changes, allowMissingColumns=True
    )
    in_order = Window.partitionBy(*by).orderBy("_at", "_is_probe", "_event", "_known", "_sign", "_value")
    until_now = in_order.rowsBetween(Window.unboundedPreceding, 0)
    count, total = F.sum("_sign").over(until_now), F.sum(F.col("_sign") * F.col("_value")).over(until_now)
    found = line.withColumns({"_count": F.coalesce(count, F.lit(0)).cast("double"), "_total": total}).where("_is_probe")
    return found.select(*probes.columns, *[_feature(feature).alias(feature.names()[0]) for feature in features])


def _feature(feature: Expanding) -> Column:
    count, total = F.col("_count"), F.col("_total")
    if feature.op == "count":
        return count
    return F.when(count > 0, total if feature.op == "sum" else total / count)
