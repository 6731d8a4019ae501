"""The unit ingest: dropped files through landing, bronze and silver to gold, batch by batch."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipelines.contracts.domain import Domain
from pipelines.io import landing
from pipelines.runner.checks import keep_checks
from pipelines.runner.intake import bronze, land
from pipelines.runner.refine import silver
from pipelines.runner.schemas import evolve
from pipelines.runner.work import Context, Work, fingerprint
from pipelines.stages.refusal import Refused


def run(context: Context, domain: Domain, wanted: Collection[str]) -> None:
    """Publish every batch that is waiting, one by one; then gold, if what it is made of changed in any other way.

    Files that cannot be landed do not hold up the others; they are the failure that is raised at the end.
    """
    left_out = land(context, domain) if "land" in wanted else ()
    stages = [stage for stage in ("bronze", "silver") if stage in wanted]
    raw = {batch.id: batch for batch in context.ledger.batches_awaiting(domain.name, "bronze") if "bronze" in stages}
    kept = context.ledger.batches_awaiting(domain.name, "silver", after="bronze") if "silver" in stages else []
    batches = sorted([*raw.values(), *kept], key=lambda batch: batch.id)
    for batch in batches:
        work = Work(context, domain, "ingest")
        if batch.id in raw:
            bronze(work, batch)
        if "silver" in stages:
            try:
                silver(work, batch)
            except Refused as refusal:
                context.ledger.refuse_batch(batch.id, str(refusal), work.added("checks"))
                after = Work(context, domain, "ingest")
                keep_checks(after)
                after.publish()
                raise
            keep_checks(work)
        if "gold" in wanted:
            gold(work)
        work.publish()
    if not batches:
        work = Work(context, domain, "ingest")
        if "silver" in wanted:
            evolve(work)
        if "gold" in wanted:
            gold(work)
        work.publish()
    if left_out:
        raise landing.LandingError("; ".join(left_out))
    if "gold" in wanted:
        silver_tables = [domain.delta_table("silver", table.name) for table in domain.tables]
        Work(context, domain, "ingest").needs(
            "gold", silver_tables, "Deliver to every source, then run the stages land, bronze and silver first"
        )


def gold(work: Work) -> None:
    """Make the gold tables anew, if silver, the declaration or the as-of instant is another than last time; but a
    series only if the one silver table that it is made of is."""
    domain = work.domain
    as_of = work.context.as_of_for(domain)
    names = {table.name: domain.delta_table("silver", table.name) for table in domain.tables}
    if as_of is None or not all(work.exists(name) for name in names.values()):
        missing = [name for name in names.values() if not work.exists(name)]
        work.say("gold", f"waits for {', '.join(missing) or 'a first delivery'}")
        return
    asked = [(task.name, task.table, task.spine, task.views, task.step, task.steps) for task in domain.tasks]
    known_by = work.context.as_of
    histories = {name: f"{silver}_history" for name, silver in names.items() if work.exists(f"{silver}_history")}
    versions = {name: work.version(name) for name in (*names.values(), *histories.values())}
    made_of = fingerprint(domain.tables, domain.views, asked, as_of, known_by, versions)
    if work.is_done("gold", "", made_of):
        work.say("gold", "nothing to do: made from just these tables before")
        return
    from pipelines.stages.gold import gold as changes_of
    from pipelines.stages.gold import known, tables_of_cut_offs, tables_of_series

    series = {name: domain.delta_table("gold", f"{name}_series") for name in sorted(tables_of_series(domain))}
    series_made_of = {name: _series_made_of(work, name, versions) for name in series}
    kept = {name for name in series if work.is_done("gold", series[name], series_made_of[name])}
    for name in sorted(kept):
        work.say("gold", f"{series[name]}: as it was")
    # of a series that is kept not even a plan is made: where little has come, planning is what gold costs
    read = tables_of_cut_offs(domain) | (set(series) - kept)
    silver = {name: work.read(names[name]) for name in read}
    history = {name: work.read(histories[name]) for name in read & set(histories)}
    changes = changes_of(domain, known(domain, silver, history, known_by), as_of, kept)
    frames = [change.frame for change in changes]
    shared = [frame for i, frame in enumerate(frames) if frame in frames[:i]]
    for frame in shared:
        frame.persist()
    for change in changes:
        work.write(change)
        work.say("gold", f"{change.table}: {work.count(change.table):,} rows")
    for frame in shared:
        frame.unpersist()
    for name in set(series) - kept:
        work.mark_done("gold", series[name], series_made_of[name])
    work.mark_done("gold", "", made_of)


def _series_made_of(work: Work, name: str, versions: Mapping[str, int]) -> str:
    """What the series of one table is made of. The default as-of instant is no part of it: it ends cut-offs alone,
    while one that the run was given leaves out what became known later."""
    from pipelines.stages.gold import series_columns

    table, silver = work.domain.table(name), work.domain.delta_table("silver", name)
    held = (versions[silver], versions.get(f"{silver}_history"))
    return fingerprint(table, series_columns(work.domain, table), work.context.as_of, held)
