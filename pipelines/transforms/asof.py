"""The newest fact known by a cut-off."""

from __future__ import annotations

import math

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.transforms.lookback import IN_FORCE


def as_of(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    value: str,
    ttl_hours: float,
) -> DataFrame:
    """Give each probe the newest fact among those that had happened and were known by its cut-off.

    probes: has `by` and the cut-off `at` (UTC instant). facts: `by`, `event` (when it happened), `value` and the two
    columns `known`: from when to when (null: to this day) it may be used.
    Returns probes plus `value`; null where nothing was known or the newest is `ttl_hours` old. Row count is that of
    probes.
    """
    # a window's partitions, unlike a join, would take two nulls for one name
    told = facts.dropna(subset=by).select(
        *by,
        F.col(event).alias("_event"),
        F.col(known[0]).alias("_known"),
        F.col(known[1]).alias("_until"),
        F.struct(F.col(event).alias("at"), F.col(known[0]).alias("known"), F.col(value).alias("value")).alias("_fact"),
    )
    lasting = _newest_lasting(probes, told.where(F.col("_until").isNull()), by, at)
    revoked = _newest_revoked(probes, told.where(F.col("_until").isNotNull()), by, at, ttl_hours)
    newest = F.greatest("_lasting", "_revoked")
    age_us = F.unix_micros(at) - F.unix_micros(newest["at"])
    is_fresh = age_us < F.lit(ttl_hours * 3.6e9)
    return lasting.join(revoked, [*by, at], "left").select(
        *probes.columns, F.when(is_fresh, newest["value"]).alias(value)
    )


def _newest_lasting(probes: DataFrame, facts: DataFrame, by: list[str], at: str) -> DataFrame:
    """Add `_lasting`, the newest of the facts that hold to this day.

    One sort per key instead of a join of all pairs: facts and probes lie on one time line of knowing, and the greatest
    (event, known) so far is carried along, so a late fact never hides a newer one. At equal instants the fact comes
    first: known at t may be used at t. A fact known before it happens enters the line when it happens.
    """
    line = probes.withColumns({"_at": F.col(at), "_is_probe": F.lit(True)}).unionByName(
        facts.select(*by, F.greatest("_event", "_known").alias("_at"), F.lit(False).alias("_is_probe"), "_fact"),
        allowMissingColumns=True,
    )
    so_far = Window.partitionBy(*by).orderBy("_at", "_is_probe").rowsBetween(Window.unboundedPreceding, 0)
    return (
        line.withColumn("_lasting", F.max("_fact").over(so_far)).where("_is_probe").select(*probes.columns, "_lasting")
    )


def _newest_revoked(probes: DataFrame, facts: DataFrame, by: list[str], at: str, ttl_hours: float) -> DataFrame:
    """`_revoked` by (`by`, `at`): the newest of the facts that were corrected or withdrawn later, but not yet then.

    They would end on the time line, which cannot forget; but they are few, and only those within the time to live
    matter, so they meet the probes in buckets of that length.
    """
    if math.isinf(ttl_hours):
        now, happened = F.array(F.lit(0)), F.lit(0)
    else:
        bucket = F.floor(F.unix_micros(F.col(at)) / F.lit(ttl_hours * 3.6e9))
        now, happened = F.array(bucket - 1, bucket), F.floor(F.unix_micros("_event") / F.lit(ttl_hours * 3.6e9))
    asked = probes.select(*by, F.col(at).alias("_at"), F.explode(now).alias("_bucket")).distinct()
    seen = asked.join(facts.withColumn("_bucket", happened), [*by, "_bucket"]).where(f"_event <= _at and {IN_FORCE}")
    return seen.groupBy(*by, F.col("_at").alias(at)).agg(F.max("_fact").alias("_revoked"))
