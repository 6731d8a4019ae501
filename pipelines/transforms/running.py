"""Counts and sums over the hours up to each of very many cut-offs, by one pass along the time line."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.features import Rolling


def run_along(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[Rolling, ...],
) -> DataFrame:
    """Add one column a feature ("count", "sum" or "mean") to the probes; null where nothing was known, 0 for a count.

    probes: `by` and the cut-off `at`. facts: `by`, `event`, the features' columns, and the two columns `known`: from
    when to when (null: to this day) they may be used. Row count is that of probes.

    A fact enters a window when it has happened and is known, and leaves it when it is too old or no longer holds: what
    has entered less what has left is the window, whatever its length. So the work grows with facts and probes, not with
    how many facts a window holds; what look_back gathers for few cut-offs would be billions of pairs here. Sums of
    anything but whole numbers are off by the rounding of the greatest sum so far, where look_back's are not. A value
    that is not finite counts as none.
    """
    for hours in sorted({feature.hours for feature in features}):
        of = tuple(feature for feature in features if feature.hours == hours)
        probes = _window(probes, facts, by, at, event, known, of, hours)
    return probes


def _window(
    probes: DataFrame,
    facts: DataFrame,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[Rolling, ...],
    hours: float,
) -> DataFrame:
    columns = sorted({feature.column for feature in features})
    length = F.expr(f"interval '{round(hours * 3600)}' second")
    enters = F.greatest(event, known[0])
    leaves = F.least(F.col(event) + length, F.col(known[1]))  # least skips a null
    moves = F.array(
        F.struct(enters.alias("at"), F.lit(1).alias("sign")), F.struct(leaves.alias("at"), F.lit(-1).alias("sign"))
    )
    named = facts.dropna(subset=by)  # a window's partitions, unlike a join, would take two nulls for one name
    told = named.where(enters < leaves).select(
        *by, *[_number(name).alias(name) for name in columns], F.explode(moves).alias("_move")
    )
    changes = told.select(
        *by,
        F.col("_move.at").alias("_at"),
        F.lit(False).alias("_is_probe"),
        *[
            part
            for name in columns
            for part in (
                F.when(F.col(name).isNull(), 0).otherwise(F.col("_move.sign")).alias(f"_n_{name}"),
                F.coalesce(F.col(name) * F.col("_move.sign"), F.lit(0.0)).alias(f"_sum_{name}"),
            )
        ],
    )
    line = probes.withColumns({"_at": F.col(at), "_is_probe": F.lit(True)}).unionByName(
        changes, allowMissingColumns=True
    )
    # the sums' own values as last order, so that their last bits do not depend on how rows came
    order = ["_at", "_is_probe", *[f"_sum_{name}" for name in columns]]
    so_far = Window.partitionBy(*by).orderBy(*order).rowsBetween(Window.unboundedPreceding, 0)
    totals = {part: F.sum(part).over(so_far) for name in columns for part in (f"_n_{name}", f"_sum_{name}")}
    found = line.withColumns(totals).where("_is_probe")
    return found.select(*probes.columns, *[_feature(feature).alias(feature.names()[0]) for feature in features])


def _number(name: str) -> Column:
    """The value as a double; no value where it is not finite, which no difference would ever take out of a sum."""
    value = F.col(name).cast("double")
    return F.when(F.abs(value) < F.lit(float("inf")), value)


def _feature(feature: Rolling) -> Column:
    count, total = F.coalesce(f"_n_{feature.column}", F.lit(0)), F.col(f"_sum_{feature.column}")
    if feature.op == "count":
        return count
    return F.when(count > 0, total if feature.op == "sum" else total / count)
