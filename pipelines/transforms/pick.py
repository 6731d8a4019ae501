"""Which rows to act on when a limit does not allow all."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql.window import WindowSpec

DAYS_LEARNT_FROM = 7
_ROUNDING = 1e-9  # the mean of equal bars may lie a last bit above them


def pick_best(
    rows: DataFrame, worth: Column, uses: Column, limit: float, *, within: list[str], order: list[str], into: str
) -> DataFrame:
    """Add the boolean `into`: the rows with the greatest `worth` for what each `uses`, as far as the limit reaches in
    each group of `within` (none: one group); never one that is worth nothing, or of which it is not known what it uses.
    Ties go by `order`. Where the rows have `into` and it is not null, it was decided before: it stays, and what it uses
    is gone before others are picked.

    Greedy by density, which is at most one row away from the best choice (Dantzig 1957).
    """
    rated = _rated(rows, worth, uses, into)
    best = Window.partitionBy(*within).orderBy("_is_open", F.desc("_density"), *order)
    return _within_limit(rated, F.col("_is_gain"), best, limit, into).select(*_columns(rows, into))


def pick_as_they_come(
    rows: DataFrame, worth: Column, uses: Column, limit: float, *, day: Column, order: list[str], into: str
) -> DataFrame:
    """Add the boolean `into`: rows picked one after the other in `order`, as far as each day's limit reaches; what was
    decided before stays, as with pick_best.

    A row is taken if it is worth as much for what it uses as the last one that earlier days had room for, on average of
    the week before; so nothing that comes later in the day is needed to decide it. On the first day everything that is
    worth anything is taken. The first that does not fit any more ends the day.
    """
    rated = _rated(rows, worth, uses, into).withColumn("_day", F.unix_date(day))
    bars = _bars(rated, limit, order)
    week = Window.orderBy("_day").rangeBetween(-DAYS_LEARNT_FROM, -1)
    asked = rated.select("_day").distinct().join(bars, "_day", "left")
    bar = asked.select("_day", F.coalesce(F.avg("_bar").over(week), F.lit(0.0)).alias("_bar"))
    passes = F.col("_is_gain") & (F.col("_density") >= F.col("_bar") * (1.0 - _ROUNDING))
    as_they_come = Window.partitionBy("_day").orderBy("_is_open", *order)
    judged = rated.join(F.broadcast(bar), "_day")
    return _within_limit(judged, passes, as_they_come, limit, into).select(*_columns(rows, into))


def pick_first(
    rows: DataFrame, score: Column, limit: int, *, within: list[str], order: list[str], into: str
) -> DataFrame:
    """Add the boolean `into`: in each group of `within` the `limit` rows with the greatest `score`, which none lacks;
    ties go by `order`. What was decided before stays, as with pick_best, and takes its places."""
    decided = F.col(into) if into in rows.columns else F.lit(None).cast("boolean")
    asked = rows.withColumns({"_uses": F.lit(1.0), "_decided": decided, "_is_open": decided.isNull()})
    best = Window.partitionBy(*within).orderBy("_is_open", score.desc(), *order)
    return _within_limit(asked, F.lit(True), best, limit, into).select(*_columns(rows, into))


def _columns(rows: DataFrame, into: str) -> list[str]:
    return [*[name for name in rows.columns if name != into], into]


def _rated(rows: DataFrame, worth: Column, uses: Column, into: str) -> DataFrame:
    """Add `_worth`, `_uses`, `_density`, `_is_gain`, `_decided` (null: nothing yet) and `_is_open`."""
    decided = F.col(into) if into in rows.columns else F.lit(None).cast("boolean")
    # NaN is greater than any number for Spark, and no worth
    rated = rows.withColumns(
        {
            "_worth": F.nanvl(worth.cast("double"), F.lit(None).cast("double")),
            "_uses": uses.cast("double"),
            "_decided": decided,
            "_is_open": decided.isNull(),
        }
    )
    is_gain = (F.col("_worth") > 0) & (F.col("_uses") > 0)
    return rated.withColumns(
        {"_density": F.try_divide("_worth", "_uses"), "_is_gain": F.coalesce(is_gain, F.lit(False))}
    )


def _within_limit(rated: DataFrame, wanted: Column, order: WindowSpec, limit: float, into: str) -> DataFrame:
    """Add `into`: what was decided before, and of the rows that are wanted those that the limit reaches in `order`."""
    so_far = order.rowsBetween(Window.unboundedPreceding, 0)
    taking = rated.withColumn("_is_wanted", F.coalesce("_decided", wanted))
    taken = F.sum(F.when(F.col("_is_wanted"), F.col("_uses")).otherwise(0.0)).over(so_far)
    return taking.withColumn(into, F.coalesce("_decided", F.col("_is_wanted") & (taken <= F.lit(limit))))


def _bars(rated: DataFrame, limit: float, order: list[str]) -> DataFrame:
    """(`_day`, `_bar`): the density of the last row for which the day had room; 0 where room is left."""
    best = Window.partitionBy("_day").orderBy(F.desc("_density"), *order).rowsBetween(Window.unboundedPreceding, 0)
    ranked = rated.where("_is_gain").withColumn("_taken", F.sum("_uses").over(best))
    last = F.coalesce(F.min(F.when(F.col("_taken") <= limit, F.col("_density"))), F.max("_density"))
    return ranked.groupBy("_day").agg(F.when(F.max("_taken") > limit, last).otherwise(0.0).alias("_bar"))
