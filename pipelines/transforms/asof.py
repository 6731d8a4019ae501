"""The newest fact known by a cut-off."""

from __future__ import annotations

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F


def as_of(
    probes: DataFrame, facts: DataFrame, *, by: list[str], at: str, event: str, known: str, values: list[str]
) -> DataFrame:
    """Give each probe the newest fact among those that had happened and were known by its cut-off.

    probes: one row a question; has `by` and the cut-off `at` (UTC instant).
    facts:  has `by`, `event` (when it happened), `known` (from when it may be used) and `values`.
    Returns probes plus `values` and `event`; null where nothing was known yet. Row count is that of probes.

    One sort per key instead of a join of all pairs: facts and probes lie on one time line of knowing, and the greatest
    (event, known) so far is carried along, so a late fact never hides a newer one. At equal instants the fact comes
    first: known at t may be used at t. A fact known before it happens enters the line when it happens.
    """
    fact, probe = F.lit(0), F.lit(1)
    line = probes.withColumns({"_at": F.col(at), "_kind": probe}).unionByName(
        facts.select(
            *by,
            F.greatest(event, known).alias("_at"),
            fact.alias("_kind"),
            F.struct(event, known, *values).alias("_fact"),
        ),
        allowMissingColumns=True,
    )
    so_far = Window.partitionBy(*by).orderBy("_at", "_kind").rowsBetween(Window.unboundedPreceding, 0)
    newest = line.withColumn("_fact", F.max("_fact").over(so_far)).where(F.col("_kind") == probe)
    return newest.select(*probes.columns, *[F.col("_fact")[name].alias(name) for name in (event, *values)])
