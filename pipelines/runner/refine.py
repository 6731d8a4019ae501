"""The stage silver of the unit ingest: a batch's records judged for each table that their source feeds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.contracts.deliveries import Brought
from pipelines.contracts.tables import OUTCOMES, Table
from pipelines.domains import parser as parser_of
from pipelines.io.publication import Batch, Outcomes
from pipelines.io.upsert import BROADCAST_ROWS
from pipelines.runner.checks import checked, contract
from pipelines.runner.schemas import Arrived, arrived, evolve
from pipelines.runner.work import Work

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipelines.stages.silver import Silver


def silver(work: Work, batch: Batch, brought: Mapping[str, Sequence[Brought]]) -> None:
    """Judge every record of the batch for each table that its source feeds; raises Refused with every reason why the
    batch may not be published.

    brought: what its files brought, by source; of others it is counted in bronze.
    """
    from pipelines.stages.refusal import Refused

    evolve(work, batch)
    fed = [source.name for source in work.domain.sources if any(file.source == source.name for file in batch.files)]
    came = {source: arrived(work, batch, source, brought.get(source)) for source in fed}
    failures = [_refine(work, batch, table, came[table.source]) for table in work.domain.tables if table.source in came]
    if any(failures):
        raise Refused(
            f"the batch is refused: {'; '.join(filter(None, failures))}. Nothing of it was published; correct the "
            "delivery and drop it again."
        )
    work.add("progress", (batch.id, "silver"))


def _refine(work: Work, batch: Batch, table: Table, came: Arrived) -> str:
    """Why the batch may not be published, "" if it may."""
    from pipelines.stages.silver import refine
    from pipelines.stages.silver import silver as judge
    from pipelines.transforms.derived import derived
    from pipelines.transforms.fields import unpacked

    domain = work.domain
    source, name = domain.delta_table("bronze", table.source), domain.delta_table("silver", table.name)
    read = dict(came.records)
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    if work.exists(source):
        with ExitStack() as cached, work.cut_evenly():

            def kept(frame: DataFrame) -> DataFrame:
                cached.callback(frame.unpersist)
                return frame.persist()

            records = work.read_of(source, "_batch", batch.id)
            parser = parser_of(domain, table.source)
            if parser:
                records = kept(derived(unpacked(records), parser))  # read for the count and for the rows
                read |= {row["_file"]: row["count"] for row in records.groupBy("_file").count().collect()}
            # a parser's rows have what it gives them, whatever the header names
            has_header = domain.source(table.source).has_header and parser is None
            rows = refine(records, table, has_header=has_header, headers=() if parser else came.headers)
            most = sum(read.values())
            if work.exists(name) and most > BROADCAST_ROWS:  # of fewer, the keys alone are read before the rows
                rows = kept(rows)  # read for where its keys lie, for the keys themselves and for the rows
            held, history = work.read_keys((name, f"{name}_history"), rows, table.key, most)
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
            if found.is_read_again:
                kept(found.told)
            if failure := _written(work, batch, found, read, counts, None if parser else came):
                return failure
    work.add("outcomes", *[Outcomes(batch.id, file, name, read[file], counts[file]) for file in read])
    total = {outcome: sum(count.get(outcome, 0) for count in counts.values()) for outcome in OUTCOMES}
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in total.items() if count) or "no records"
    work.say("silver", f"{table.name}: {sum(read.values()):,} records: {told}")
    return ""


def _written(
    work: Work,
    batch: Batch,
    found: Silver,
    read: Mapping[str, int],
    counts: dict[str, dict[str, int]],
    came: Arrived | None,
) -> str:
    """Write what changes, count the outcomes and check the promises; then commit it, or say why it may not be.

    came: None where a parser stands between the raw fields and the columns.
    """
    from pipelines.transforms.tally import summed

    table = found.table
    shares = (found.rows, found.history, found.quarantine)
    shared = work.share_out(found.shared(shares), shares, found.count)
    tallied = summed(shared.counted)
    for line in tallied.lines:
        counts[line["_file"]][line["outcome"]] = line["records"]
    failures = [contract(work, found, came) if came else "", checked(work, batch, found, read, tallied.lines)]
    if any(failures):
        shared.drop()
        return "; ".join(filter(None, failures))
    work.keep(shared)
    if tallied.causes:
        causes = sorted(tallied.causes.items(), key=lambda cause: (-cause[1], cause[0]))
        told = ", ".join(f"{cause} {records:,}" for cause, records in causes)
        name_set_apart = work.domain.delta_table("quarantine", table.name)
        work.say("silver", f"{table.name}: set apart with reason and raw text in {name_set_apart}: {told}")
    return ""
