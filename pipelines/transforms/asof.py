"""The newest fact known by a cut-off."""

from __future__ import annotations

import math

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.features import AsOf
from pipelines.transforms.lookback import IN_FORCE


def as_of(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[AsOf, ...],
) -> DataFrame:
    """Add one column a feature: of the facts that had happened and were known by the cut-off the newest that has a
    value; null where there is none or it is as old as its time to live. Row count is that of probes.

    probes: has `by` and the cut-off `at` (UTC instant). facts: `by`, `event` (when it happened), the features' columns
    and the two columns `known`: from when to when (null: to this day) they may be used.

    All features of a table at once: each call uses the plan of `probes` twice, so ten calls in a row would have it
    planned a thousand times.
    """
    columns = [feature.column for feature in features]
    # a window's partitions, unlike a join, would take two nulls for one name
    told = facts.dropna(subset=by).select(
        *by,
        F.col(event).alias("_event"),
        F.col(known[0]).alias("_known"),
        F.col(known[1]).alias("_until"),
        *[
            F.when(
                F.col(column).isNotNull(),
                F.struct(F.col(event).alias("at"), F.col(known[0]).alias("known"), F.col(column).alias("value")),
            ).alias(f"_fact_{column}")
            for column in columns
        ],
    )
    longest = max(feature.ttl_hours for feature in features)
    lasting = _newest_lasting(probes, told.where(F.col("_until").isNull()), by, at, columns)
    revoked = _newest_revoked(probes, told.where(F.col("_until").isNotNull()), by, at, longest, columns)
    found = []
    for feature in features:
        newest = F.greatest(f"_lasting_{feature.column}", f"_revoked_{feature.column}")
        age_us = F.unix_micros(at) - F.unix_micros(newest["at"])
        found.append(F.when(age_us < F.lit(feature.ttl_hours * 3.6e9), newest["value"]).alias(feature.names()[0]))
    return lasting.join(revoked, [*by, at], "left").select(*probes.columns, *found)


def _newest_lasting(probes: DataFrame, facts: DataFrame, by: list[str], at: str, columns: list[str]) -> DataFrame:
    """Add `_lasting_…`, the newest of the facts that hold to this day.

    One sort per key instead of a join of all pairs: facts and probes lie on one time line of knowing, and the greatest
    (event, known) so far is carried along, so a late fact never hides a newer one. At equal instants the fact comes
    first: known at t may be used at t. A fact known before it happens enters the line when it happens.
    """
    told = [f"_fact_{column}" for column in columns]
    line = probes.withColumns({"_at": F.col(at), "_is_probe": F.lit(True)}).unionByName(
        facts.select(*by, F.greatest("_event", "_known").alias("_at"), F.lit(False).alias("_is_probe"), *told),
        allowMissingColumns=True,
    )
    so_far = Window.partitionBy(*by).orderBy("_at", "_is_probe").rowsBetween(Window.unboundedPreceding, 0)
    newest = {f"_lasting_{column}": F.max(f"_fact_{column}").over(so_far) for column in columns}
    return line.withColumns(newest).where("_is_probe").select(*probes.columns, *newest)


def _newest_revoked(
    probes: DataFrame, facts: DataFrame, by: list[str], at: str, ttl_hours: float, columns: list[str]
) -> DataFrame:
    """`_revoked_…` by (`by`, `at`): the newest of the facts that were corrected or withdrawn later, but not yet then.

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
    newest = [F.max(f"_fact_{column}").alias(f"_revoked_{column}") for column in columns]
    return seen.groupBy(*by, F.col("_at").alias(at)).agg(*newest)
