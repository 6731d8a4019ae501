"""gold: what was known of each entity at each cut-off, and the series that steps and windows are cut from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, CategoryCount, Expanding, FeatureView, OfRow, Windowed
from pipelines.contracts.made import picked
from pipelines.contracts.records import Compute
from pipelines.contracts.tables import VALID_TO, Table
from pipelines.contracts.tasks import ByTime, Events, Share, Spine, Task
from pipelines.stages.silver import statement_parts
from pipelines.transforms.asof import as_of as newest_known
from pipelines.transforms.calendar import with_calendar
from pipelines.transforms.computed import with_computed
from pipelines.transforms.lookback import look_back
from pipelines.transforms.of_row import category_flags, of_row
from pipelines.transforms.reconcile import known_spans
from pipelines.transforms.so_far import so_far

KNOWN = ("available_at", "known_until")
SHARE = Share.column
_WAS_KNOWN = "available_at <= cut_at and (known_until is null or cut_at < known_until)"


def known(
    domain: Domain,
    silver: Mapping[str, DataFrame],
    history: Mapping[str, DataFrame],
    known_by: datetime | None = None,
    computed: Mapping[str, Compute] = MappingProxyType({}),
) -> dict[str, DataFrame]:
    """By name of the tables in `silver`, every statement that was ever in force, from `available_at` to `known_until`.

    silver: the rows in force, by table name. history: what was said besides, for tables that have any.
    known_by: what became known later is left out, for a run that takes place in the past; labels are, too.
    computed: by table, what adds its computed columns, to all tables that have any.
    """
    found = {
        table.name: known_spans(
            # when a version ends is known only from the next one, which may be told much later
            silver[table.name].drop(VALID_TO) if table.valid_from else silver[table.name],
            history.get(table.name),
            **statement_parts(table),
            known_by=known_by,
        )
        for table in domain.tables
        if table.name in silver
    }
    return found | {
        table.name: with_computed(found[table.name], table, computed[table.name])
        for table in domain.tables
        if table.computed and table.name in found
    }


def asking_alike(domain: Domain) -> list[list[Task]]:
    """The domain's tasks, those together that ask the same at the same cut-offs."""
    found: dict[str, list[Task]] = {}
    for task in domain.tasks:
        found.setdefault(repr(what_asks(domain, task)), []).append(task)
    return list(found.values())


def what_asks(domain: Domain, task: Task) -> tuple[object, ...]:
    """All of a task's own that its gold table is made of."""
    of_queries = (task.query, _together(task)) if task.query else ()
    return (task.spine, views_at_cut_offs(domain, task), task.hashed_by, *of_queries)


def _together(task: Task) -> str:
    """The column whose rows are asked about at one cut-off: the query, where a split by time could part its rows."""
    return task.query if isinstance(task.split, ByTime) else ""


def views_at_cut_offs(domain: Domain, task: Task) -> list[FeatureView]:
    """The task's views that its gold table has a value of at each cut-off."""
    return [view for view in domain.views_of(task) if view.moment == "cut_off"]


def tables_of_series(domain: Domain) -> set[str]:
    """Tables of which there is a series."""
    return {name for task in domain.tasks for name in series_tables(domain, task)}


def tables_of_cut_offs(domain: Domain) -> set[str]:
    """Tables that give rise to cut-offs, or whose facts are looked up at them."""
    views = [view for task in domain.tasks for view in views_at_cut_offs(domain, task)]
    return {task.spine.table for task in domain.tasks} | {view.table for view in views if view.table}


def series_tables(domain: Domain, task: Task) -> list[str]:
    """Tables whose rows are looked up at target time, cut into windows, or are the label."""
    views = [view.table for view in domain.views_of(task) if view.moment != "cut_off" and view.table]
    return sorted({task.table, *views})


def series_columns(domain: Domain, table: Table) -> tuple[list[str], list[str]]:
    """The entities and the values of a table's series."""
    looked_up = [view for view in domain.views if view.table == table.name and view.moment != "cut_off"]
    labelled = [task for task in domain.tasks if task.table == table.name]
    entities = {task.spine.entity for task in labelled} | {name for view in looked_up for name in view.entities}
    features = [feature for view in looked_up for feature in view.features]
    values = {*[task.column for task in labelled], *[f.column for f in features if not isinstance(f, Calendar)]}
    return sorted(entities), sorted(values)


def series(domain: Domain, table: Table, rows: DataFrame) -> DataFrame:
    """(entity…, `at`, `known_at`, `known_until`, values): when each value happened, and from when to when it may be
    used (null: to this day)."""
    entities, values = series_columns(domain, table)
    classes = {task.column: task.classes for task in domain.tasks if task.table == table.name and task.classes}
    return rows.select(
        *entities,
        F.col(happened(table)).alias("at"),
        F.col("available_at").alias("known_at"),
        "known_until",
        *[_number(value, classes.get(value, ())).alias(value) for value in values],
    )


def _number(column: str, classes: tuple[str, ...]) -> Column:
    """A value as a number: itself, or its place among classes, from 0; one that is none of them is one place on."""
    value = F.col(column)
    if not classes:
        return value.cast("double")
    place = F.array_position(F.array(*map(F.lit, classes)), value.cast("string"))
    return F.when(place == 0, F.lit(len(classes))).otherwise(place - 1).cast("double")


def happened(table: Table) -> str:
    """The column with the instant a row is about; what has none of its own is about the time from its delivery on."""
    return table.event_time or "available_at"


def spine(rows: DataFrame, of: Spine, event_time: str, as_of: datetime) -> DataFrame:
    """(entity, `cut_at`): each entity's cut-offs, from when it was first known of to the as-of instant.

    From its first event would not do: one that is told of late would give rise to cut-offs at which nobody knew of it.
    """
    every_s, offset_s = int(of.every.total_seconds()), int(of.offset.total_seconds())
    known_s = F.unix_seconds(F.min(F.greatest(event_time, "available_at")))
    first = F.ceil((known_s - offset_s) / every_s) * every_s + offset_s
    last = F.unix_seconds(F.lit(as_of))
    spans = rows.dropna(subset=[of.entity]).groupBy(of.entity).agg(first.alias("_first")).where(F.col("_first") <= last)
    instants = F.transform(F.sequence(F.col("_first"), last, F.lit(every_s)), F.timestamp_seconds)
    return spans.select(of.entity, F.explode(instants).alias("cut_at"))


def events(rows: DataFrame, of: Events, table: Table, as_of: datetime, together: str = "") -> DataFrame:
    """`cut_at` and what each row said of itself then: rows of `table` that were in force at their own cut-off.

    An event that is put off after its cut-off is asked about again; what has no event time is asked about once, when it
    is first told. together: a column; rows with the same value of it are asked about at the first cut-off of any of
    them, and not if they were not in force then. Has all columns of the table, and `split_share`: where the entity's
    name falls in [0, 1).
    """
    asked = _at_own_cut_offs(rows, of, table)
    if together:
        asked = _at_first_cut_offs(asked, together).where(_WAS_KNOWN)
    asked = asked.where(F.col("cut_at") <= F.lit(as_of))
    if not table.event_time:
        first = Window.partitionBy(of.entity).orderBy("cut_at")
        asked = asked.withColumn("_nth", F.row_number().over(first)).where("_nth = 1")
    return asked.select("cut_at", SHARE, *[column.name for column in table.of_features])


def left_out(domain: Domain, task: Task, silver: Mapping[str, DataFrame], as_of: datetime) -> DataFrame | None:
    """The rows that a task would ask about by themselves, but does not, as they were not in force yet at the first
    cut-off of their query; None where its rows are asked about one by one."""
    if not isinstance(task.spine, Events) or not _together(task):
        return None
    table = domain.table(task.spine.table)
    asked = _at_first_cut_offs(_at_own_cut_offs(silver[table.name], task.spine, table), _together(task))
    return asked.where((F.col("cut_at") <= F.lit(as_of)) & ~F.expr(_WAS_KNOWN))


def _at_own_cut_offs(rows: DataFrame, of: Events, table: Table) -> DataFrame:
    cut_at = F.col(happened(table)) - F.expr(f"interval '{int(of.lead.total_seconds())}' second")
    return rows.withColumns({"cut_at": cut_at, SHARE: _share(of.entity)}).where(_WAS_KNOWN)


def _at_first_cut_offs(asked: DataFrame, together: str) -> DataFrame:
    return asked.withColumn("cut_at", F.min("cut_at").over(Window.partitionBy(together)))


def cut_offs(
    domain: Domain, task: Task, silver: Mapping[str, DataFrame], as_of: datetime, since: datetime | None = None
) -> DataFrame:
    """(entity, `cut_at`, features): one row a cut-off, from nothing that was not known by then. Rows of a task that is
    split by shares have their `split_share`, too, those of one that ranks their query. since: none that lies before it,
    where only some are wanted."""
    rows = questions(domain, task, silver, as_of)
    if since is not None:
        rows = rows.where(F.col("cut_at") >= F.lit(since))
    for view in views_at_cut_offs(domain, task):
        rows = add_view(rows, view, domain, silver)
    return picked(rows, columns(domain, task))


def columns(domain: Domain, task: Task) -> list[str]:
    """The columns of the task's gold table."""
    share = [SHARE] if task.hashed_by else []
    features = [name for view in views_at_cut_offs(domain, task) for name in view.names()]
    return [task.spine.entity, "cut_at", *share, *_query(task), *features]


def _query(task: Task) -> list[str]:
    return [task.query] if task.query else []


def questions(domain: Domain, task: Task, silver: Mapping[str, DataFrame], as_of: datetime) -> DataFrame:
    """The cut-offs with what they are told by: the entities of the task's views, and what a row says of itself."""
    asked_of = domain.table(task.spine.table)
    if isinstance(task.spine, Events):
        rows = events(silver[asked_of.name], task.spine, asked_of, as_of, _together(task))
        if task.hashed_by:
            rows = rows.withColumn(SHARE, _share(task.hashed_by))
    else:
        rows = spine(silver[asked_of.name], task.spine, asked_of.event_time, as_of)
    views = views_at_cut_offs(domain, task)
    joined = {name for view in views for name in view.entities if name in rows.columns} | {*_query(task)}
    own = [f for view in views for f in view.features if isinstance(f, OfRow)]
    share = [SHARE] if task.hashed_by else []
    return of_row(rows, [*sorted({task.spine.entity, *joined}), "cut_at", *share], own)


def _share(name: str) -> Column:
    """Where a column's text falls in [0, 1)."""
    return F.pmod(F.xxhash64(name), F.lit(1_000_000)) / F.lit(1_000_000.0)


def add_view(probes: DataFrame, view: FeatureView, domain: Domain, silver: Mapping[str, DataFrame]) -> DataFrame:
    """Add the features of one view at `cut_at`; but those of the row itself, which `questions` takes from the spine."""
    calendars = [feature for feature in view.features if isinstance(feature, Calendar)]
    if calendars:
        probes = with_calendar(probes, "cut_at", calendars)
    if not view.table:
        return probes
    about: dict[str, Any] = {"by": list(view.entities), "at": "cut_at", "event": "_happened_at", "known": KNOWN}
    facts = silver[view.table].withColumn("_happened_at", F.col(happened(domain.table(view.table))))
    windows = [feature for feature in view.features if isinstance(feature, Windowed)]
    for feature in view.features:
        if isinstance(feature, CategoryCount):
            facts = facts.withColumns(category_flags(feature))
            windows += feature.counts()
    if windows:
        probes = look_back(probes, facts, **about, features=tuple(windows))
    expanding = tuple(feature for feature in view.features if isinstance(feature, Expanding))
    if expanding:
        probes = so_far(probes, facts, **about, features=expanding)
    newest = tuple(feature for feature in view.features if isinstance(feature, AsOf))
    if newest:
        never_null = {column.name for column in domain.table(view.table).columns if not column.nullable}
        probes = newest_known(probes, facts, **about, features=newest, never_null=never_null)
    return probes
