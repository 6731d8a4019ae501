"""What had happened in the hours up to a cut-off and was known by it, gathered once for all features of a table."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.features import Lag, Rolling

IN_FORCE = "_known <= _at and (_until is null or _at < _until)"


def look_back(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[Lag | Rolling, ...],
) -> DataFrame:
    """Add one column a feature to the probes; null where nothing was known, 0 for a count. Row count is that of probes.

    probes: may repeat (`by`, `at`), as where facts are about all entities alike. facts: `by`, `event`, the features'
    columns, and the two columns `known`: from when to when (null: to this day) they may be used.

    Facts and probes meet in buckets of time as long as the longest look-back, so a probe sees two buckets and never the
    whole history. A window's values are taken in order of (event, known), so its sums have the same bits in every run.
    """
    longest_s = max(_seconds(hours) for f in features for hours in (f.hours if isinstance(f, Lag) else (f.hours,)))
    columns = sorted({feature.column for feature in features})
    bucket = F.floor(F.unix_seconds(F.col(at)) / longest_s)
    asked = probes.select(
        *by, F.col(at).alias("_at"), F.explode(F.array(bucket - 1, bucket)).alias("_bucket")
    ).distinct()
    told = facts.select(
        *by,
        F.floor(F.unix_seconds(F.col(event)) / longest_s).alias("_bucket"),
        F.col(event).alias("_event"),
        F.col(known[0]).alias("_known"),
        F.col(known[1]).alias("_until"),
        *columns,
    )
    is_seen = f"_event <= _at and _event >= _at - {_interval(longest_s)} and {IN_FORCE}"
    window = F.array_sort(F.collect_list(F.struct("_event", "_known", *columns))).alias("_seen")
    seen = asked.join(told, [*by, "_bucket"]).where(is_seen).groupBy(*by, "_at").agg(window)
    found = probes.join(seen.withColumnRenamed("_at", at), [*by, at], "left")
    added = [F.expr(sql).alias(name) for feature in features for name, sql in _expressions(feature, at)]
    return found.select(*probes.columns, *added)


def _expressions(feature: Lag | Rolling, at: str) -> list[tuple[str, str]]:
    column = feature.column
    if isinstance(feature, Lag):
        return [
            (name, f"try_element_at({_values(column, f'f._event = {at} - {_interval(_seconds(hours))}')}, -1)")
            for name, hours in zip(feature.names(), feature.hours, strict=True)
        ]
    values = _values(column, f"f._event > {at} - {_interval(_seconds(feature.hours))}")
    total = "aggregate({0}, 0D, (sum, v) -> sum + v)"
    of = {
        "count": "coalesce(size({0}), 0)",
        "sum": f"if(size({{0}}) > 0, {total}, null)",
        "mean": f"{total} / nullif(size({{0}}), 0)",
        "min": "array_min({0})",
        "max": "array_max({0})",
        # two passes: the mean first, so that large values do not swamp small differences
        "std": (
            f"transform(array({total} / nullif(size({{0}}), 0)), "
            "m -> sqrt(aggregate({0}, 0D, (sum, v) -> sum + (v - m) * (v - m)) "
            "/ nullif(greatest(size({0}) - 1, 0), 0)))[0]"
        ),
    }
    return [(feature.names()[0], of[feature.op].format(values))]


def _values(column: str, condition: str) -> str:
    return f"transform(filter(coalesce(_seen, array()), f -> {condition} and f.{column} is not null), f -> f.{column})"


def _seconds(hours: float) -> int:
    return round(hours * 3600)


def _interval(seconds: int) -> str:
    return f"interval '{seconds}' second"
