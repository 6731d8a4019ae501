"""The stage gold of the unit ingest: anew what silver, the declaration or the as-of instant can have changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines import __version__
from pipelines.contracts.tasks import Task
from pipelines.domains import code_of_computed, computed
from pipelines.runner.work import Work, fingerprint

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def gold(work: Work) -> None:
    """Make the gold tables, if silver, the declaration or the as-of instant is another than last time: a series if the
    one silver table that it is made of is, and of cut-offs those that the news since can have changed."""
    domain = work.domain
    as_of = work.context.as_of_for(domain)
    names = {table.name: domain.delta_table("silver", table.name) for table in domain.tables}
    if as_of is None or not all(work.exists(name) for name in names.values()):
        missing = [name for name in names.values() if not work.exists(name)]
        work.say("gold", f"waits for {', '.join(missing) or 'a first delivery'}")
        return
    asked = [
        (task.name, task.table, task.spine, task.views, task.step, task.steps, task.hashed_by, task.query)
        for task in domain.tasks
    ]
    known_by = work.context.as_of
    histories = {name: f"{silver}_history" for name, silver in names.items() if work.exists(f"{silver}_history")}
    versions = {name: work.version(name) for name in (*names.values(), *histories.values())}
    made_of = fingerprint(domain.tables, domain.views, code_of_computed(domain), asked, as_of, known_by, versions)
    if work.is_done("gold", "", made_of):
        work.say("gold", "nothing to do: made from just these tables before")
        return
    work.open()  # that nothing became another is published, too, or every run would look again
    with work.metered("gold"):
        _anew(work, as_of, names, histories, versions)
    work.mark_done("gold", "", made_of)


def _anew(
    work: Work, as_of: datetime, names: Mapping[str, str], histories: Mapping[str, str], versions: Mapping[str, int]
) -> None:
    """names, histories: the silver tables, by those of the domain; versions: of each."""
    from pipelines.stages.gold import asking_alike, known, tables_of_cut_offs, tables_of_series

    domain, known_by = work.domain, work.context.as_of
    series = {name: domain.delta_table("gold", f"{name}_series") for name in sorted(tables_of_series(domain))}
    series_made_of = {name: _series_made_of(work, name, versions) for name in series}
    kept = {name for name in series if work.is_done("gold", series[name], series_made_of[name])}
    # of a series that is kept not even a plan is made: where little has come, planning is what gold costs
    read = tables_of_cut_offs(domain) | (set(series) - kept)
    silver = {name: work.read(names[name]) for name in read}
    history = {name: work.read(histories[name]) for name in read & set(histories)}
    statements = known(domain, silver, history, known_by, computed(domain))
    for name in series:
        if name in kept:
            work.say("gold", f"{series[name]}: as it was")
        else:
            _series(work, name, statements[name])
            work.mark_done("gold", series[name], series_made_of[name])
    for tasks in asking_alike(domain):
        _cut_offs(work, tasks, silver, history, statements, as_of)
        _tell_left_out(work, tasks[0], statements, as_of)


def _series(work: Work, name: str, statements: DataFrame) -> None:
    from pipelines.stages.changes import Change
    from pipelines.stages.gold import series

    domain = work.domain
    table = domain.delta_table("gold", f"{name}_series")
    work.write(Change(table, "overwrite", series(domain, domain.table(name), statements)))
    work.say("gold", f"{table}: {work.count(table):,} rows")


def _series_made_of(work: Work, name: str, versions: Mapping[str, int]) -> str:
    """What the series of one table is made of. The default as-of instant is no part of it: it ends cut-offs alone,
    while one that the run was given leaves out what became known later."""
    from pipelines.stages.gold import series_columns

    table, silver = work.domain.table(name), work.domain.delta_table("silver", name)
    held = (versions[silver], versions.get(f"{silver}_history"))
    code = code_of_computed(work.domain) if table.computed else ""
    return fingerprint(table, code, series_columns(work.domain, table), work.context.as_of, held)


def _cut_offs(
    work: Work,
    tasks: Sequence[Task],
    silver: Mapping[str, DataFrame],
    history: Mapping[str, DataFrame],
    statements: Mapping[str, DataFrame],
    as_of: datetime,
) -> None:
    """Write the gold tables of tasks that ask alike: what is not held, or may be another by now, in its place; or all
    anew, where nothing is held that was made as it would be now, or most would be another."""
    from pipelines.stages.changes import Change
    from pipelines.stages.gold import cut_offs, what_asks

    domain, task = work.domain, tasks[0]
    declared = fingerprint(__version__, domain.tables, code_of_computed(domain), what_asks(domain, task))
    names = [domain.delta_table("gold", each.name) for each in tasks]
    made_in = {work.made_in("gold", name, declared) for name in names}
    since = made_in.pop() if len(made_in) == 1 else None
    cached: list[DataFrame] = []
    try:
        few = None if since is None else _few(work, task, silver, history, statements, as_of, since, cached)
        if few is None:
            frame = cut_offs(domain, task, statements, as_of)
            if len(names) > 1:
                cached.append(frame.persist())
            changes = [Change(name, "overwrite", frame) for name in names]
        else:
            changes = [Change(name, "merge", few.frame, key=(task.spine.entity, "cut_at")) for name in names]
        for change in changes:
            if few is None or few.rows:
                work.write(change)
            told = "" if few is None else f", of which {few.rows:,} were made anew"
            work.say("gold", f"{change.table}: {work.count(change.table):,} rows{told}")
            work.mark_done("gold", change.table, declared)
    finally:
        for frame in cached:
            frame.unpersist()


def _tell_left_out(work: Work, task: Task, statements: Mapping[str, DataFrame], as_of: datetime) -> None:
    from pipelines.stages.gold import left_out

    rows = left_out(work.domain, task, statements, as_of)
    if rows is not None and (number := rows.count()):
        why = f"they were not in force at the first cut-off of their {task.query}"
        work.say("gold", f"{task.name}: {number:,} rows are not asked about, as {why}")


@dataclass(frozen=True)
class _Few:
    """The rows to be put in place of those held, or taken away, and how many they are."""

    frame: DataFrame
    rows: int


def _few(
    work: Work,
    task: Task,
    silver: Mapping[str, DataFrame],
    history: Mapping[str, DataFrame],
    statements: Mapping[str, DataFrame],
    as_of: datetime,
    since: int,
    cached: list[DataFrame],
) -> _Few | None:
    """What the news since an attempt can have changed; None if that is most of all there is, or is held otherwise."""
    from pyspark.sql import functions as F

    from pipelines.stages.gold import cut_offs, questions
    from pipelines.stages.renewal import all_said, renewed, stale

    domain = work.domain
    held = work.read(domain.delta_table("gold", task.name))
    if held.schema.simpleString() != cut_offs(domain, task, statements, as_of).schema.simpleString():
        return None
    asked = questions(domain, task, statements, as_of).persist()
    anew = stale(domain, task, asked, held, all_said(domain, silver, history, computed(domain)), since).persist()
    cached += [asked, anew]
    (line,) = anew.agg(
        F.count("*").alias("rows"), F.min("cut_at").alias("first"), F.max("cut_at").alias("last")
    ).collect()
    if 2 * line["rows"] > asked.count():
        return None
    within = (line["first"], line["last"]) if line["rows"] else None
    frame = renewed(domain, task, asked, anew, held, statements, within).persist()
    cached.append(frame)
    return _Few(frame, frame.count())
