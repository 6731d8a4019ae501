"""Which rows to act on when a limit does not allow all."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

DAYS_LEARNT_FROM = 7
_ROUNDING = 1e-9  # the mean of equal bars may lie a last bit above them


def pick_best(
    rows: DataFrame, worth: Column, uses: Column, limit: float, *, within: list[str], order: list[str], into: str
) -> DataFrame:
    """Add the boolean `into`: the rows with the greatest `worth` for what each `uses`, as far as the limit reaches in
    each group of `within` (none: one group); never one that is worth nothing. Ties go by `order`.

    Greedy by density, which is at most one row away from the best choice (Dantzig 1957).
    """
    best = Window.partitionBy(*within).orderBy(F.desc("_density"), *order).rowsBetween(Window.unboundedPreceding, 0)
    rated = _rated(rows, worth, uses)
    taken = F.sum(F.when(F.col("_is_gain"), F.col("_uses")).otherwise(0.0)).over(best)
    picked = rated.withColumn(into, F.col("_is_gain") & (taken <= F.lit(limit)))
    return picked.select(*rows.columns, into)


def pick_as_they_come(
    rows: DataFrame, worth: Column, uses: Column, limit: float, *, day: Column, order: list[str], into: str
) -> DataFrame:
    """Add the boolean `into`: rows picked one after the other in `order`, as far as each day's limit reaches.

    A row is taken if it is worth as much for what it uses as the last one that earlier days had room for, on average of
    the week before; so nothing that comes later in the day is needed to decide it. On the first day everything that is
    worth anything is taken.
    """
    rated = _rated(rows, worth, uses).withColumn("_day", F.unix_date(day))
    bars = _bars(rated, limit, order)
    week = Window.orderBy("_day").rangeBetween(-DAYS_LEARNT_FROM, -1)
    asked = rated.select("_day").distinct().join(bars, "_day", "left")
    bar = asked.select("_day", F.coalesce(F.avg("_bar").over(week), F.lit(0.0)).alias("_bar"))
    so_far = Window.partitionBy("_day").orderBy(*order).rowsBetween(Window.unboundedPreceding, 0)
    passes = F.col("_is_gain") & (F.col("_density") >= F.col("_bar") * (1.0 - _ROUNDING))
    judged = rated.join(F.broadcast(bar), "_day").withColumn("_passes", passes)
    taken = F.sum(F.when(F.col("_passes"), F.col("_uses")).otherwise(0.0)).over(so_far)
    return judged.withColumn(into, F.col("_passes") & (taken <= F.lit(limit))).select(*rows.columns, into)


def _rated(rows: DataFrame, worth: Column, uses: Column) -> DataFrame:
    rated = rows.withColumns({"_worth": worth.cast("double"), "_uses": uses.cast("double")})
    return rated.withColumns(
        {"_density": F.col("_worth") / F.col("_uses"), "_is_gain": F.coalesce(F.col("_worth") > 0, F.lit(False))}
    )


def _bars(rated: DataFrame, limit: float, order: list[str]) -> DataFrame:
    """(`_day`, `_bar`): the density of the last row for which the day had room; 0 where room is left."""
    best = Window.partitionBy("_day").orderBy(F.desc("_density"), *order).rowsBetween(Window.unboundedPreceding, 0)
    ranked = rated.where("_is_gain").withColumn("_taken", F.sum("_uses").over(best))
    last = F.coalesce(F.min(F.when(F.col("_taken") <= limit, F.col("_density"))), F.max("_density"))
    return ranked.groupBy("_day").agg(F.when(F.max("_taken") > limit, last).otherwise(0.0).alias("_bar"))
