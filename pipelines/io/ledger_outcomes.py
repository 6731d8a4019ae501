"""Row outcomes in the ledger: per file and table, they add up or nothing is published."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, and_, exists, insert, select

from pipelines.contracts.tables import OUTCOMES
from pipelines.io import ledger_schema as schema
from pipelines.io.failures import LedgerError
from pipelines.io.publication import Outcomes


def record_outcomes(c: Connection, attempt: int, domain: str, of: Outcomes) -> None:
    """Count what became of one file's records for one table; LedgerError unless they add up, and are the first."""
    where = f"{of.table}: file '{of.file}' of batch {of.batch}"
    files = schema.files.c
    known = and_(files.batch == of.batch, files.name == of.file, files.domain == domain)
    if not c.scalar(select(exists().where(known))):
        raise LedgerError(f"{where} is not in {domain}'s manifest")
    unknown = sorted(set(of.counts) - set(OUTCOMES))
    if unknown:
        raise LedgerError(f"{where}: unknown outcomes {', '.join(unknown)}; known: {', '.join(OUTCOMES)}")
    if sum(of.counts.values()) != of.rows or min(of.counts.values(), default=0) < 0:
        counts = " + ".join(f"{count} {outcome}" for outcome, count in of.counts.items()) or "no outcome"
        raise LedgerError(f"{where}: {of.rows} rows in, but {counts}; nothing is published")
    key: dict[str, Any] = {"batch": of.batch, "file": of.file, "name": of.table}
    counted = schema.outcomes.c
    if c.scalar(select(exists().where(*(counted[name] == value for name, value in key.items())))):
        raise LedgerError(f"{where} was counted before; counts are never rewritten")
    # A file without a single record is counted too, as 0 new, so that it is seen to have been read.
    for outcome, count in (of.counts or {"new": 0}).items():
        c.execute(insert(schema.outcomes).values(**key, outcome=outcome, count=count, attempt=attempt))
