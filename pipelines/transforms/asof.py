"""The newest fact known by a cut-off."""

from __future__ import annotations

import math
from collections.abc import Collection

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.features import AsOf


def as_of(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[AsOf, ...],
    never_null: Collection[str] = (),
) -> DataFrame:
    """Add one column a feature to the probes: the newest value among the facts that had happened and were known by the
    cut-off.

    probes: has `by` and the cut-off `at` (UTC instant). facts: `by`, `event` (when it happened), the features' columns,
    and the two columns `known`: from when to when (null: to this day) they may be used. A null is no value.
    never_null: columns of which every fact has a value, so that one look at the newest fact serves them all.
    Null where nothing was known or the newest is as old as the feature's time to live. Row count is that of probes.
    """
    # a window's partitions, unlike a join, would take two nulls for one name
    columns = sorted({feature.column for feature in features})
    told = facts.dropna(subset=by).select(
        *by,
        F.col(event).alias("_event"),
        F.col(known[0]).alias("_known"),
        F.col(known[1]).alias("_until"),
        *[F.col(column).alias(f"_value {column}") for column in columns],
    )
    together = [column for column in columns if column in never_null]
    groups = [*([together] if together else []), *[[column] for column in columns if column not in never_null]]
    longest_h = max(feature.ttl_hours for feature in features)
    found = _with_lasting(probes, told.where(F.col("_until").isNull()), by, at, groups)
    found = _with_revoked(found, told.where(F.col("_until").isNotNull()), by, at, longest_h, groups)
    added = []
    for feature in features:
        i = next(i for i, group in enumerate(groups) if feature.column in group)
        newest = F.greatest(f"_lasting_{i}", f"_revoked_{i}")
        age_us = F.unix_micros(at) - F.unix_micros(newest["at"])
        is_fresh = age_us < F.lit(feature.ttl_hours * 3.6e9)
        added.append(F.when(is_fresh, newest[feature.column]).alias(feature.names()[0]))
    return found.select(*probes.columns, *added)


def _fact(group: list[str]) -> Column:
    """What a fact says of a group of columns; null where it says nothing. Of two, the newer is the greater."""
    values = [F.col(f"_value {column}").alias(column) for column in group]
    fact = F.struct(F.col("_event").alias("at"), F.col("_known").alias("known"), *values)
    return F.when(F.col(f"_value {group[0]}").isNotNull(), fact)


def _with_lasting(probes: DataFrame, facts: DataFrame, by: list[str], at: str, groups: list[list[str]]) -> DataFrame:
    """Add `_lasting_<i>`, the newest of the facts that hold to this day, for each group of columns.

    One sort per key instead of a join of all pairs: facts and probes lie on one time line of knowing, and the greatest
    (event, known) so far is carried along, so a late fact never hides a newer one. At equal instants the fact comes
    first: known at t may be used at t. A fact known before it happens enters the line when it happens.
    """
    told = facts.drop("_until").withColumns({"_at": F.greatest("_event", "_known"), "_is_probe": F.lit(False)})
    line = probes.withColumns({"_at": F.col(at), "_is_probe": F.lit(True)}).unionByName(told, allowMissingColumns=True)
    # numbers are compared much faster than names that begin alike, and short rows are moved faster than long ones
    line = line.withColumn("_hash", F.xxhash64(*by))
    line = line.repartition("_hash").sortWithinPartitions("_hash", *by, "_at", "_is_probe")
    so_far = Window.partitionBy("_hash", *by).orderBy("_at", "_is_probe").rowsBetween(Window.unboundedPreceding, 0)
    newest = {f"_lasting_{i}": F.max(_fact(group)).over(so_far) for i, group in enumerate(groups)}
    return line.withColumns(newest).where("_is_probe").select(*probes.columns, *newest)


def _with_revoked(
    probes: DataFrame, facts: DataFrame, by: list[str], at: str, ttl_hours: float, groups: list[list[str]]
) -> DataFrame:
    """Add `_revoked_<i>`: the newest of the facts that were corrected or withdrawn later, but not yet at the cut-off.

    They would end on the time line, which cannot forget; but they are few, and only those within the longest time to
    live matter. So they are put together by buckets of that length, each fact in its own and the next, and a probe goes
    through one bucket.
    """
    if math.isinf(ttl_hours):
        asked, told = F.lit(0), F.array(F.lit(0))
    else:
        length_us = F.lit(ttl_hours * 3.6e9)
        asked, first = F.floor(F.unix_micros(at) / length_us), F.floor(F.unix_micros("_event") / length_us)
        told = F.array(first, first + 1)
    each = [_fact(group).alias(f"_fact_{i}") for i, group in enumerate(groups)]
    in_buckets = facts.select(
        *by, F.explode(told).alias("_bucket"), F.struct("_event", "_known", "_until", *each).alias("_told")
    )
    buckets = in_buckets.groupBy(*by, "_bucket").agg(F.collect_list("_told").alias("_all_told"))
    found = probes.withColumn("_bucket", asked).join(buckets, [*by, "_bucket"], "left")

    def newest(fact: str) -> Column:
        seen = F.filter(
            "_all_told",
            lambda f: (f["_event"] <= F.col(at)) & (f["_known"] <= F.col(at)) & (F.col(at) < f["_until"]),
        )
        return F.array_max(F.transform(seen, lambda f: f[fact]))

    return found.select(*probes.columns, *[newest(f"_fact_{i}").alias(f"_revoked_{i}") for i in range(len(groups))])
