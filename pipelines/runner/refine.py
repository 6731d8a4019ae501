"""The stage silver of the unit ingest: a batch's records judged for each table that their source feeds."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from pipelines.contracts.tables import OUTCOMES, Table
from pipelines.domains import parser as parser_of
from pipelines.io.publication import Batch, Outcomes
from pipelines.runner.work import Work


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
    from pipelines.transforms.derived import derived

    domain = work.domain
    source, name = domain.delta_table("bronze", table.source), domain.delta_table("silver", table.name)
    files = [file.name for file in batch.files if file.source == table.source]
    arrived: dict[str, int] = dict.fromkeys(files, 0)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    if work.exists(source):  # it does not while all files of the source were empty
        records = work.read(source).where(F.col("_batch") == batch.id)
        parser = parser_of(domain, table.source)
        if parser:
            records = derived(records, parser)
            records.persist()  # read for the count and for the rows
        arrived |= {row["_file"]: row["count"] for row in records.groupBy("_file").count().collect()}
        # a parser's rows have what it gives them, whatever the header names
        has_header = domain.source(table.source).has_header and parser is None
        rows = refine(records, table, has_header=has_header)
        # only the keys of this batch are looked up, so files that cannot hold any are left alone
        held, history = (work.read_near(each, rows, table.key) for each in (name, f"{name}_history"))
        found = judge(
            domain,
            table,
            rows,
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
        records.unpersist()
        for promise, number in warned.items():
            work.say("silver", f"{table.name}: warning: {number:,} rows break {promise}")
    work.add("outcomes", *[Outcomes(batch.id, file, name, arrived[file], counts[file]) for file in files])
    total = {outcome: sum(count.get(outcome, 0) for count in counts.values()) for outcome in OUTCOMES}
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in total.items() if count) or "no records"
    work.say("silver", f"{table.name}: {sum(arrived.values()):,} records: {told}")
