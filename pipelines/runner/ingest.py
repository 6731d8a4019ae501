"""The unit ingest: dropped files through landing, bronze and silver to gold, batch by batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

from pipelines.contracts.domain import Domain
from pipelines.contracts.tables import OUTCOMES, Table
from pipelines.domains import embedded_files
from pipelines.io import landing
from pipelines.io.publication import Batch, LandedFile, Outcomes
from pipelines.io.published import drop_published
from pipelines.runner.work import Context, Work, fingerprint
from pipelines.stages import land as land_stage
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
                context.ledger.refuse_batch(batch.id, str(refusal))
                raise
        if "gold" in wanted:
            gold(work)
        work.publish()
    if "gold" in wanted and not batches:
        work = Work(context, domain, "ingest")
        gold(work)
        work.publish()
    if left_out:
        raise landing.LandingError("; ".join(left_out))
    if "gold" in wanted:
        silver_tables = [domain.delta_table("silver", table.name) for table in domain.tables]
        Work(context, domain, "ingest").needs(
            "gold", silver_tables, "Deliver to every source, then run the stages land, bronze and silver first"
        )


def land(context: Context, domain: Domain) -> tuple[str, ...]:
    """Keep every new file byte for byte, and freeze them as one batch; returns why others cannot be landed."""
    folder = context.settings.drops / domain.name
    if context.settings.samples and not landing.has_embedded(folder):
        context.say(domain.name, "land", "dropping the embedded records as raw files")
        landing.drop_embedded(folder, embedded_files(domain))
    drop_tables(context, domain, folder)
    known = context.ledger.known_hashes(domain.name)
    drop = landing.dropped(folder, domain.sources)
    plan = land_stage.plan(drop.files, known, context.as_of)
    undated = [f"{name}: no date (YYYY-MM-DD) in the name. Rename it, or give --as-of" for name in plan.undated]
    left_out = (*drop.unreadable, *undated)
    for name, landed_as in plan.repeats:
        context.say(domain.name, "land", f"{name}: the same content was landed as {landed_as}; left out")
    if plan.later:
        context.say(
            domain.name, "land", f"{len(plan.later)} files are delivered after the as-of instant; left for later"
        )
    if not plan.new:
        if left_out:
            return left_out
        where = ", ".join(source.name for source in domain.sources)
        told = "no new file" if known else f"no file at all: put raw files into {folder} ({where})"
        context.say(domain.name, "land", told)
        return ()
    zone = context.folder("landing") / domain.name
    files = [
        LandedFile(file.source, file.name, str(landing.archive(file, zone)), file.size, file.sha256, delivered_at)
        for file, delivered_at in plan.new
    ]
    batch = context.ledger.open_batch(domain.name, files)
    megabytes = sum(file.size for file in files) / 1e6
    context.say(domain.name, "land", f"batch {batch}: {len(files)} files, {megabytes:.1f} MB")
    for file in files:
        if not file.size:
            context.say(domain.name, "land", f"{file.name}: the file is empty")
    return left_out


def drop_tables(context: Context, domain: Domain, folder: Path) -> None:
    """Drop what other domains have published since, where this domain has it as a source."""
    pins = context.ledger.pins()
    for source in domain.sources:
        pin = pins.get(source.table)
        delivered_at = context.ledger.newest_delivery(pin.domain) if pin and pin.is_published else None
        if pin and delivered_at:
            drop_published(pin, folder / source.name, delivered_at)
        elif source.table:
            context.say(domain.name, "land", f"{source.name} waits for {source.table}, which is not published yet")


def bronze(work: Work, batch: Batch) -> None:
    """Append every record of the batch as it came."""
    # Spark is imported only where there is work: a run without any must not wait for it
    from pipelines.io.records import RawFile, records
    from pipelines.stages.bronze import keep

    for source in work.domain.sources:
        files = [
            RawFile(f.name, f.path, f.sha256, source.format, source.delimiter, _microseconds(f.delivered_at))
            for f in batch.files
            if f.source == source.name
        ]
        if files:
            rows = records(work.context.spark(), files)
            work.write(
                keep(
                    work.domain,
                    source.name,
                    rows,
                    batch=batch.id,
                    attempt=work.attempt.number,
                    ingested_at=datetime.now(UTC),
                )
            )
            work.say("bronze", f"{source.name}: {len(files)} files kept")
    work.add("progress", (batch.id, "bronze"))


def silver(work: Work, batch: Batch) -> None:
    """Judge every record of the batch for each table that its source feeds."""
    for table in work.domain.tables:
        if any(file.source == table.source for file in batch.files):
            _refine(work, batch, table)
    work.add("progress", (batch.id, "silver"))


def _refine(work: Work, batch: Batch, table: Table) -> None:
    from pyspark.sql import functions as F

    from pipelines.stages.silver import broken_promises, refine
    from pipelines.stages.silver import silver as judge

    domain = work.domain
    source, name = domain.delta_table("bronze", table.source), domain.delta_table("silver", table.name)
    files = [file.name for file in batch.files if file.source == table.source]
    arrived: dict[str, int] = dict.fromkeys(files, 0)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    if work.exists(source):  # it does not while all files of the source were empty
        records = work.read(source).where(F.col("_batch") == batch.id)
        arrived |= {row["_file"]: row["count"] for row in records.groupBy("_file").count().collect()}
        held, history = work.read_if_any(name), work.read_if_any(f"{name}_history")
        found = judge(
            domain,
            table,
            refine(records, table),
            held,
            history,
            batch=batch.id,
            attempt=work.attempt.number,
            ingested_at=datetime.now(UTC),
        )
        found.judged.persist()
        lines = found.outcomes().collect()
        for line in lines:
            counts[line["_file"]][line["outcome"]] = line["records"]
        warned = broken_promises(found.judged, table)
        if any(line["applied"] for line in lines) or not work.exists(name):
            work.write(found.rows())
        if any(line["past"] for line in lines):
            work.write(found.history())
        if any(line["outcome"] == "quarantined" for line in lines):
            work.write(found.quarantine())
            causes = sorted(found.reasons().collect(), key=lambda cause: (-cause["records"], cause["reason"]))
            told = ", ".join(f"{cause['reason']} {cause['records']:,}" for cause in causes)
            name_set_apart = domain.delta_table("quarantine", table.name)
            work.say("silver", f"{table.name}: set apart with reason and raw text in {name_set_apart}: {told}")
        found.judged.unpersist()
        for promise, number in warned.items():
            work.say("silver", f"{table.name}: warning: {number:,} rows break {promise}")
    work.add("outcomes", *[Outcomes(batch.id, file, name, arrived[file], counts[file]) for file in files])
    total = {outcome: sum(count.get(outcome, 0) for count in counts.values()) for outcome in OUTCOMES}
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in total.items() if count) or "no records"
    work.say("silver", f"{table.name}: {sum(arrived.values()):,} records: {told}")


def gold(work: Work) -> None:
    """Make the feature tables anew, if silver, the declaration or the as-of instant is another than last time."""
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
    from pipelines.stages.gold import gold as features
    from pipelines.stages.gold import known

    silver = {name: work.read(table) for name, table in names.items()}
    history = {name: work.read(table) for name, table in histories.items()}
    changes = features(domain, known(domain, silver, history, known_by), as_of)
    frames = [change.frame for change in changes]
    shared = [frame for i, frame in enumerate(frames) if frame in frames[:i]]
    for frame in shared:
        frame.persist()
    for change in changes:
        work.write(change)
        work.say("gold", f"{change.table}: {work.count(change.table):,} rows")
    for frame in shared:
        frame.unpersist()
    work.mark_done("gold", "", made_of)


def _microseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000)
