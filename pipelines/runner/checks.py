"""Whether a batch keeps what is promised of it, and the results as a table for analysts, `silver.<domain>_checks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import References, Unique, Volume
from pipelines.io.ledger_checks import checks_after, newest_checked, usual_records
from pipelines.io.publication import Batch
from pipelines.runner.schemas import Arrived
from pipelines.runner.work import Context, Work

if TYPE_CHECKING:
    from pyspark.sql import Row

    from pipelines.stages.silver import Silver

COLUMNS = (
    "batch long, delivered_at timestamp, table string, expectation string, severity string, checked long, broken long, "
    "share double, observed double, bound string, holds boolean, is_refused boolean"
)
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


def checked(work: Work, batch: Batch, found: Silver, read: Mapping[str, int], lines: Sequence[Row]) -> str:
    """Check every expectation of the table; why the batch may not be published, "" if it may.

    read: records by file. lines: the outcomes with their tallies.
    """
    from pipelines.transforms.checks import Delivery, checks, lookups, refusal, told

    table, domain = found.table, work.domain
    name = domain.delta_table("silver", table.name)
    kinds = {type(rule) for rule in table.table_rules}
    usual: list[float] = []
    if Volume in kinds:
        with work.context.ledger.reading() as c:
            usual = usual_records(c, name, batch.id)
    delivered_at = max(file.delivered_at for file in batch.files if file.source == table.source)
    delivery = Delivery(batch.id, name, len(read), sum(read.values()), delivered_at, usual)
    # what is held near the batch's keys would do for neither rule: its other columns may be found anywhere
    held = work.read_if_any(name) if Unique in kinds else None
    others = {
        rule.table: work.read(other).select(*domain.table(rule.table).key)
        for rule in table.table_rules
        if isinstance(rule, References) and work.exists(other := domain.delta_table("silver", rule.table))
    }
    looked_up = {rule: frame.collect()[0] for rule, frame in lookups(table, found.judged, held, others).items()}
    results = checks(table, delivery, lines, looked_up)
    work.add("checks", *results)
    for check in results:
        if check.severity == "warn" and not check.holds:
            work.say("silver", f"{table.name}: warning: {told(check)}")
    return refusal(table, results)


def keep_checks(context: Context, domain: Domain) -> None:
    """Append what batches gave since the table was last brought up to date; refused ones, too."""
    kept = int(context.ledger.fingerprint(domain.name, _STAGE) or 0)
    with context.ledger.reading() as c:
        newest = newest_checked(c, domain.name)
        found = checks_after(c, domain.name, kept) if newest > kept else []
    if not found:
        return
    from pipelines.stages.changes import Change

    rows = [
        (
            *(check.batch, check.delivered_at, check.table, check.expectation, check.severity),
            *(check.checked, check.broken, check.share, check.observed, check.bound, check.holds, is_refused),
        )
        for check, is_refused in found
    ]
    work = Work(context, domain, "ingest")
    frame = context.spark().createDataFrame(rows, COLUMNS)
    work.write(Change(domain.delta_table("silver", _STAGE), "append", frame.coalesce(1)))
    work.mark_done(_STAGE, "", str(newest))
    work.publish()
