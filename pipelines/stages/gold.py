"""gold: what was known of each entity at each cut-off, and the series that steps and windows are cut from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, Calendar, FeatureView, Lag, Rolling
from pipelines.contracts.tables import Table
from pipelines.contracts.tasks import Spine, Task
from pipelines.stages.changes import Change
from pipelines.stages.silver import statement_parts
from pipelines.transforms.asof import as_of as newest_known
from pipelines.transforms.calendar import calendar_parts
from pipelines.transforms.lookback import look_back
from pipelines.transforms.reconcile import known_spans

KNOWN = ("available_at", "known_until")


def known(
    domain: Domain,
    silver: Mapping[str, DataFrame],
    history: Mapping[str, DataFrame],
    known_by: datetime | None = None,
) -> dict[str, DataFrame]:
    """By table name, every statement that was ever in force, from `available_at` to `known_until`.

    silver: the rows in force, by table name. history: what was said besides, for tables that have any.
    known_by: what became known later is left out, for a run that takes place in the past; labels are, too.
    """
    return {
        table.name: known_spans(
            silver[table.name], history.get(table.name), **statement_parts(table), known_by=known_by
        )
        for table in domain.tables
    }


def gold(domain: Domain, silver: Mapping[str, DataFrame], as_of: datetime) -> tuple[Change, ...]:
    """All gold tables of a domain. silver: as `known` gives it. as_of: no cut-off lies after it."""
    changes = []
    for name in sorted({name for task in domain.tasks for name in series_tables(domain, task)}):
        frame = series(domain, domain.table(name), silver[name])
        changes.append(Change(domain.delta_table("gold", f"{name}_series"), "overwrite", frame))
    for task in domain.tasks:
        frame = cut_offs(domain, task, silver, as_of)
        changes.append(Change(domain.delta_table("gold", task.name), "overwrite", frame))
    return tuple(changes)


def series_tables(domain: Domain, task: Task) -> list[str]:
    """Tables whose rows are looked up at target time, cut into windows, or are the label."""
    views = [view.table for view in domain.views_of(task) if view.moment != "cut_off" and view.table]
    return sorted({task.table, *views})


def series(domain: Domain, table: Table, rows: DataFrame) -> DataFrame:
    """(entity…, `at`, `known_at`, `known_until`, values): when each value happened, and from when to when it may be
    used (null: to this day)."""
    entities = sorted({view.entity for view in domain.views if view.table == table.name and view.entity})
    features = [f for v in domain.views if v.table == table.name and v.moment != "cut_off" for f in v.features]
    labels = [task.column for task in domain.tasks if task.table == table.name]
    values = sorted({*labels, *[f.column for f in features if not isinstance(f, Calendar)]})
    return rows.select(
        *entities,
        F.col(table.event_time).alias("at"),
        F.col("available_at").alias("known_at"),
        "known_until",
        *[F.col(value).cast("double").alias(value) for value in values],
    )


def spine(rows: DataFrame, of: Spine, event_time: str, as_of: datetime) -> DataFrame:
    """(entity, `cut_at`): each entity's cut-offs, from when it was first known of to the as-of instant.

    From its first event would not do: one that is told of late would give rise to cut-offs at which nobody knew of it.
    """
    every_s, offset_s = int(of.every.total_seconds()), int(of.offset.total_seconds())
    known_s = F.unix_seconds(F.min(F.greatest(event_time, "available_at")))
    first = F.ceil((known_s - offset_s) / every_s) * every_s + offset_s
    last = F.unix_seconds(F.lit(as_of))
    spans = rows.groupBy(of.entity).agg(first.alias("_first")).where(F.col("_first") <= last)
    instants = F.transform(F.sequence(F.col("_first"), last, F.lit(every_s)), F.timestamp_seconds)
    return spans.select(of.entity, F.explode(instants).alias("cut_at"))


def cut_offs(domain: Domain, task: Task, silver: Mapping[str, DataFrame], as_of: datetime) -> DataFrame:
    """(entity, `cut_at`, features): one row a cut-off, from nothing that was not known by then."""
    asked_of = domain.table(task.spine.table)
    rows = spine(silver[asked_of.name], task.spine, asked_of.event_time, as_of)
    for view in domain.views_of(task):
        if view.moment == "cut_off":
            rows = add_view(rows, view, domain, silver)
    return rows


def add_view(probes: DataFrame, view: FeatureView, domain: Domain, silver: Mapping[str, DataFrame]) -> DataFrame:
    """Add the features of one view at `cut_at`."""
    for feature in view.features:
        if isinstance(feature, Calendar):
            probes = probes.withColumns(calendar_parts(F.col("cut_at"), feature))
    if not view.table:
        return probes
    event_time, by = domain.table(view.table).event_time, [view.entity] if view.entity else []
    facts = silver[view.table].withColumnRenamed(event_time, "_happened_at")
    windows = tuple(f for f in view.features if isinstance(f, Lag | Rolling))
    if windows:
        probes = look_back(probes, facts, by=by, at="cut_at", event="_happened_at", known=KNOWN, features=windows)
    for feature in view.features:
        if isinstance(feature, AsOf):
            (name,) = feature.names()
            facts_of = facts.where(F.col(feature.column).isNotNull()).withColumnRenamed(feature.column, name)
            probes = newest_known(
                probes,
                facts_of,
                by=by,
                at="cut_at",
                event="_happened_at",
                known=KNOWN,
                value=name,
                ttl_hours=feature.ttl_hours,
            )
    return probes
