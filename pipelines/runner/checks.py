"""Whether a batch keeps what is promised of it, and the results as a table for analysts, `silver.<domain>_checks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.contracts.checks import Check
from pipelines.contracts.expectations import Fresh, References, Unique, Volume
from pipelines.contracts.tables import Table
from pipelines.io.ledger_checks import checks_after, usual_records
from pipelines.io.publication import Batch
from pipelines.runner.schemas import Arrived
from pipelines.runner.work import Work

if TYPE_CHECKING:
    from pipelines.stages.silver import Silver
    from pipelines.transforms.checks import Delivery
    from pipelines.transforms.tally import Line

_STAGE = "checks"


def contract(work: Work, found: Silver, came: Arrived) -> str:
    """Tell how the batch breaks the table's schema contract; why it may not be published, "" if it may."""
    from pipelines.transforms.contract import breaks, told, unread

    table = found.table
    refuses = table.on_break == "refuse"
    # where rows are set apart one by one, their reasons tell what could not be read
    lines = unread(found.judged, table).collect() if refuses else []
    nothing_read = {row["_file"]: row["unread"] for row in lines}
    has_header = work.domain.source(table.source).has_header
    broken = breaks(table, came.fields, nothing_read, came.known, has_header=has_header)
    if broken and not refuses:
        work.say("silver", f"{table.name}: breaks the schema contract, rows are set apart: {told(broken, table)}")
    return f"{table.name}: breaks the schema contract: {told(broken, table)}" if broken and refuses else ""


def checked(work: Work, batch: Batch, found: Silver, read: Mapping[str, int], lines: Sequence[Line]) -> str:
    """Check every expectation of the table; why the batch may not be published, "" if it may.

    read: records by file. lines: the outcomes, with what is counted of them.
    """
    from pipelines.transforms.checks import Delivery, refusal

    table, name = found.table, work.domain.delta_table("silver", found.table.name)
    usual: list[float] = []
    if any(isinstance(rule, Volume) for rule in table.table_rules):
        with work.context.ledger.reading() as c:
            usual = usual_records(c, name, batch.id)
    delivered_at = max(file.delivered_at for file in batch.files if file.source == table.source)
    delivery = Delivery(batch.id, name, len(read), sum(read.values()), delivered_at, usual)
    results = _results(work, found, table, delivery, lines)
    work.add("checks", *results)
    return refusal(table, results)


def checked_again(work: Work, found: Silver, lines: Sequence[Line], delivered_at: datetime) -> str:
    """Check what rows of earlier deliveries break now; why they may not be published, "" if they may.

    What is promised of a delivery as a whole (volume, freshness) is not asked of a part of it.
    """
    from pipelines.transforms.checks import Delivery, refusal

    name = work.domain.delta_table("silver", found.table.name)
    of_rows = [rule for rule in found.table.expect if not isinstance(rule, Volume | Fresh)]
    table = replace(found.table, expect=tuple(of_rows))
    return refusal(table, _results(work, found, table, Delivery(0, name, 1, 0, delivered_at), lines))


def _results(work: Work, found: Silver, table: Table, delivery: Delivery, lines: Sequence[Line]) -> tuple[Check, ...]:
    """What became of each expectation; broken ones that only warn are told."""
    from pipelines.transforms.checks import checks, lookups, told

    domain, name = work.domain, work.domain.delta_table("silver", table.name)
    # what is held near the batch's keys would do for neither rule: its other columns may be found anywhere
    held = work.read_if_any(name) if any(isinstance(rule, Unique) for rule in table.table_rules) else None
    others = {
        rule.table: work.read(other).select(*domain.table(rule.table).key)
        for rule in table.table_rules
        if isinstance(rule, References) and work.exists(other := domain.delta_table("silver", rule.table))
    }
    looked_up = {rule: frame.collect()[0] for rule, frame in lookups(table, found.judged, held, others).items()}
    results = checks(table, delivery, lines, looked_up)
    for check in results:
        if check.severity == "warn" and not check.holds:
            work.say("silver", f"{table.name}: warning: {told(check)}")
    return results


def keep_checks(work: Work) -> None:
    """Append to the table what this attempt's batch gave, and before it what refused batches gave since the last one.

    Published with the batch, so that the table tells of what stands and of nothing else.
    """
    context, domain = work.context, work.domain
    kept = int(context.ledger.fingerprint(domain.name, _STAGE) or 0)
    with context.ledger.reading() as c:
        found = checks_after(c, domain.name, kept)
    found += [(check, False) for check in work.added("checks")]
    if not found:
        return
    import pyarrow as pa

    from pipelines.io import new_files

    at, number, text = pa.timestamp("us", tz="UTC"), pa.int64(), pa.string()
    columns = pa.schema(
        [
            *(("batch", number), ("delivered_at", at), ("table", text), ("expectation", text), ("severity", text)),
            *(("checked", number), ("broken", number), ("share", pa.float64()), ("observed", pa.float64())),
            *(("bound", text), ("holds", pa.bool_()), ("is_refused", pa.bool_())),
        ]
    )
    rows = [
        (
            *(check.batch, check.delivered_at, check.table, check.expectation, check.severity),
            *(check.checked, check.broken, check.share, check.observed, check.bound, check.holds, is_refused),
        )
        for check, is_refused in found
    ]
    lines = pa.RecordBatch.from_pylist([dict(zip(columns.names, row, strict=True)) for row in rows], columns)
    table = domain.delta_table("silver", _STAGE)
    work.add_files(table, columns, lambda folder: new_files.write(folder, columns, [lines]))
    work.mark_done(_STAGE, "", str(max(check.batch for check, _ in found)))
