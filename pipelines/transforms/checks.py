"""Expectations of a batch: what became of each promise, and whether the batch may be published.

Rules about rows, volume and freshness are aggregates of the one pass that counts the outcomes; each rule that looks at
other rows (Unique, References) is one join more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from pyspark.sql import Column as Expression
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from pipelines.contracts.checks import Check
from pipelines.contracts.expectations import Expectation, Fresh, References, TableRule, Unique, Volume
from pipelines.contracts.tables import Table
from pipelines.transforms.tally import NEWEST, Line

AVAILABLE = "available_at_is_known"
"""The promise that every table keeps, as a reason."""
BATCHES_ENOUGH = 3
"""From so many earlier batches on, a volume can be called unusual."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PASSED = "outcome <> 'quarantined' and not _delete"


@dataclass(frozen=True)
class Delivery:
    """What a batch brought for one table. usual: records a file of earlier batches, as many as are known."""

    batch: int
    table: str
    files: int
    records: int
    delivered_at: datetime
    usual: Sequence[float] = ()


def is_broken(promise: Expectation, table: Table) -> Expression:
    """A predicate that is null counts as broken, unless it reads a column that is declared nullable."""
    return ~F.coalesce(F.expr(promise.holds), F.lit(table.may_be_null(promise)))


def counted(table: Table) -> dict[str, Expression]:
    """What `checks` needs to know of each judged row: flags, and `NEWEST` where a rule asks for it."""
    named = [promise.name for promise in table.row_rules if promise.severity == "quarantine"]
    passed = F.expr(_PASSED)
    found = {"_passed": passed}
    if named:
        # a row has either the reasons for which it could not be read, or the promises that it breaks
        first = F.get("_reasons", F.lit(0))
        found["_judged"] = ~F.col("_delete") & (first.isNull() | first.isin(*named, AVAILABLE))
    for promise in table.row_rules:
        is_against = passed & is_broken(promise, table)
        if promise.severity == "quarantine":
            is_against = (F.size("_reasons") > 0) & F.array_contains("_reasons", promise.name)
        found[_column(promise.name)] = is_against
    if any(isinstance(rule, Fresh) for rule in table.table_rules):
        found[NEWEST] = F.when(passed, F.unix_micros(F.col(table.event_time).cast("timestamp")))
    return found


def lookups(
    table: Table, judged: DataFrame, held: DataFrame | None, others: Mapping[str, DataFrame]
) -> dict[str, DataFrame]:
    """For each rule that looks at other rows a frame of one row: `checked`, `broken`.

    judged: all records of the batch. held: all of the table before it; others: tables that are referred to, as they
    stand with this batch; left out where there is none yet.
    """
    found = {}
    for rule in table.table_rules:
        if isinstance(rule, Unique):
            found[rule.name] = _doubled(rule, table, judged, held)
        elif isinstance(rule, References):
            found[rule.name] = _unknown(rule, judged, others.get(rule.table))
    return found


def checks(table: Table, delivery: Delivery, lines: Sequence[Line], looked_up: Mapping[str, Row]) -> tuple[Check, ...]:
    """What became of each expectation. lines: what is `counted`, over any groups; looked_up: as `lookups` gives."""
    sums = {
        name: sum(line[name] for line in lines)
        for name in ("_passed", "_judged", *[_column(promise.name) for promise in table.row_rules])
        if lines and name in lines[0]
    }
    seen_us = [line[NEWEST] for line in lines if line.get(NEWEST) is not None]
    newest = _EPOCH + timedelta(microseconds=max(seen_us)) if seen_us else None
    found = []
    for rule in table.expect:
        if isinstance(rule, Expectation):
            of = "_judged" if rule.severity == "quarantine" else "_passed"
            counted = sums.get(of, 0), sums.get(_column(rule.name), 0)
            found.append(_check(delivery, rule, *counted, bound=rule.holds))
        elif isinstance(rule, Volume):
            found.append(_volume(rule, delivery))
        elif isinstance(rule, Fresh):
            found.append(_freshness(rule, delivery, newest))
        elif isinstance(rule, References):
            row = looked_up.get(rule.name)
            bound = f"{', '.join(rule.columns)}: keys of {rule.table}"
            found.append(_check(delivery, rule, *(row or (0, 0)), bound=bound))
        elif isinstance(rule, Unique):
            row = looked_up.get(rule.name)
            found.append(_check(delivery, rule, *(row or (0, 0)), bound=f"{', '.join(rule.columns)}: once"))
    return tuple(found)


def told(check: Check) -> str:
    """A check that does not hold, in a few words."""
    if check.observed is None:
        return f"{check.expectation} {check.broken:,}"
    return f"{check.expectation} ({check.observed:,.4g}, not {check.bound})"


def refusal(table: Table, found: Iterable[Check]) -> str:
    """Why the batch may not be published, "" if it may: every broken promise of severity `fail`."""
    failed = [check for check in found if check.severity == "fail" and not check.holds]
    return f"{table.name}: rows break {', '.join(map(told, failed))}" if failed else ""


def _check(
    delivery: Delivery,
    rule: Expectation | TableRule,
    checked: int,
    broken: int,
    *,
    bound: str,
    observed: float | None = None,
) -> Check:
    return Check(
        delivery.batch,
        delivery.table,
        rule.name,
        rule.severity,
        checked,
        broken,
        observed,
        bound,
        broken == 0,
        delivery.delivered_at,
    )


def _volume(rule: Volume, delivery: Delivery) -> Check:
    observed = delivery.records / delivery.files
    if len(delivery.usual) < BATCHES_ENOUGH:
        bound = f"any number of records a file, until there are {BATCHES_ENOUGH} earlier batches"
        return _check(delivery, rule, 1, 0, bound=bound, observed=observed)
    usual = median(delivery.usual)
    least, most = rule.at_least * usual, rule.at_most * usual
    bound = f"{least:,.4g} to {most:,.4g} records a file"
    return _check(delivery, rule, 1, int(not least <= observed <= most), bound=bound, observed=observed)


def _freshness(rule: Fresh, delivery: Delivery, newest: datetime | None) -> Check:
    bound = f"{rule.within.total_seconds() / 3600:,.4g} hours old or less"
    if newest is None:
        return _check(delivery, rule, 0, 0, bound=bound)
    age = delivery.delivered_at - newest
    return _check(delivery, rule, 1, int(age > rule.within), bound=bound, observed=age.total_seconds() / 3600)


def _doubled(rule: Unique, table: Table, judged: DataFrame, held: DataFrame | None) -> DataFrame:
    key, columns = list(table.version_key), list(rule.columns)
    changed = judged.where("_applied")
    after = changed.where("not _delete").select(*columns, F.lit(1).alias("_is_new"))
    if held is not None:
        kept = held.join(changed.select(*key), key, "left_anti").select(*columns, F.lit(0).alias("_is_new"))
        after = after.unionByName(kept)
    alike = (
        after.dropna(subset=columns).groupBy(*columns).agg(F.count("*").alias("rows"), F.sum("_is_new").alias("new"))
    )
    broken = F.coalesce(F.sum(F.when(F.col("rows") > 1, F.col("new"))), F.lit(0))
    return alike.agg(F.coalesce(F.sum("new"), F.lit(0)).alias("checked"), broken.alias("broken"))


def _unknown(rule: References, judged: DataFrame, other: DataFrame | None) -> DataFrame:
    columns = list(rule.columns)
    named = judged.where(_PASSED).select(*columns).dropna()
    if other is None:
        return named.agg(F.count("*").alias("checked"), F.count("*").alias("broken"))
    known = other.distinct().withColumn("_is_known", F.lit(True))
    joined = named.join(known.toDF(*columns, "_is_known"), columns, "left")
    return joined.agg(F.count("*").alias("checked"), F.count_if(F.col("_is_known").isNull()).alias("broken"))


def _column(expectation: str) -> str:
    return f"_breaks {expectation}"
