"""What had happened in the hours up to a cut-off and was known by it, gathered once for all features of a table."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.features import Change, Ewm, Lag, Last, Quantile, Rolling, Windowed

IN_FORCE = "_known <= _at and (_until is null or _at < _until)"


def look_back(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[Windowed, ...],
) -> DataFrame:
    """Add one column a feature to the probes; null where nothing was known, 0 for a count. Row count is that of probes.

    probes: may repeat (`by`, `at`), as where facts are about all entities alike. facts: `by`, `event`, the features'
    columns, and the two columns `known`: from when to when (null: to this day) they may be used.

    Facts and probes meet in buckets of time as long as the longest look-back, so a probe sees two buckets and never the
    whole history. A window's values are taken in order of (event, known), so its sums have the same bits in every run.
    """
    longest_s = max(1, *[_seconds(feature.reach_h) for feature in features])
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


def _expressions(feature: Windowed, at: str) -> list[tuple[str, str]]:
    """(name, SQL over `_seen`) of each column that the feature gives."""
    column = feature.column

    def window(hours: float, ends_h: float = 0.0) -> str:
        """The values of the hours up to so many before the cut-off, in order."""
        ends = f" and f._event <= {at} - {_interval(_seconds(ends_h))}" if ends_h else ""
        return _values(column, f"f._event > {at} - {_interval(_seconds(ends_h + hours))}{ends}")

    match feature:
        case Lag():
            just = [_values(column, f"f._event = {at} - {_interval(_seconds(hours))}") for hours in feature.hours]
            return [(name, _newest(values)) for name, values in zip(feature.names(), just, strict=True)]
        case Rolling():
            sql = _OF[feature.op].format(window(feature.hours))
        case Last():
            newest = f"slice(v, greatest(size(v) - {feature.rows - 1}, 1), {feature.rows})"
            sql = _OF[feature.op].format(f"transform(array({window(feature.hours)}), v -> {newest})[0]")
        case Quantile():
            place = f"({feature.q!r}D * (size(v) - 1))"
            low, high = f"v[int(floor({place}))]", f"v[int(ceil({place}))]"
            between = f"{low} + ({high} - {low}) * ({place} - floor({place}))"
            sql = f"transform(array(array_sort({window(feature.hours)})), v -> if(size(v) > 0, {between}, null))[0]"
        case Ewm():
            seen = _seen(column, f"f._event > {at} - {_interval(_seconds(feature.hours))}")
            age = f"(unix_micros({at}) - unix_micros(f._event)) / {feature.half_life_hours * 3.6e9!r}D"
            weight, start = f"pow(0.5D, {age})", "named_struct('weight', 0D, 'sum', 0D)"
            more = f"named_struct('weight', m.weight + {weight}, 'sum', m.sum + {weight} * f.{column})"
            sql = f"aggregate({seen}, {start}, (m, f) -> {more}, m -> m.sum / nullif(m.weight, 0D))"
        case Change():
            now, then = _newest(window(feature.ttl_hours)), _newest(window(feature.ttl_hours, feature.hours))
            sql = f"{now} - {then}" if feature.by == "difference" else f"{now} / nullif({then}, 0D)"
    return [(feature.names()[0], sql)]


_TOTAL = "aggregate({0}, 0D, (sum, v) -> sum + v)"
_OF = {
    "count": "coalesce(size({0}), 0)",
    "sum": f"if(size({{0}}) > 0, {_TOTAL}, null)",
    "mean": f"{_TOTAL} / nullif(size({{0}}), 0)",
    "min": "array_min({0})",
    "max": "array_max({0})",
    # two passes: the mean first, so that large values do not swamp small differences
    "std": (
        f"transform(array({_TOTAL} / nullif(size({{0}}), 0)), "
        "m -> sqrt(aggregate({0}, 0D, (sum, v) -> sum + (v - m) * (v - m)) "
        "/ nullif(greatest(size({0}) - 1, 0), 0)))[0]"
    ),
}


def _newest(values: str) -> str:
    return f"try_element_at({values}, -1)"


def _values(column: str, condition: str) -> str:
    return f"transform({_seen(column, condition)}, f -> f.{column})"


def _seen(column: str, condition: str) -> str:
    return f"filter(coalesce(_seen, array()), f -> {condition} and f.{column} is not null)"


def _seconds(hours: float) -> int:
    return round(hours * 3600)


def _interval(seconds: int) -> str:
    return f"interval '{seconds}' second"
