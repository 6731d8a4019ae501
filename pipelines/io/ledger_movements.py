"""What leaves a quarantine, in the ledger: beside the outcomes that the deliveries gave, which are never rewritten."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from pipelines.contracts.tables import OUTCOMES
from pipelines.io import ledger_schema as schema
from pipelines.io.failures import LedgerError
from pipelines.io.publication import Apart, Movements

LEAVING = ("replayed", "discarded")
BECOMES = tuple(outcome for outcome in OUTCOMES if outcome != "quarantined")


def record_movements(c: Connection, attempt: int, domain: str, movements: Sequence[Movements]) -> None:
    """Count what left the quarantine; LedgerError unless it was there, and the tables hold what the counts say.

    Called once the tables' new versions are pinned: rows = new − deleted, of deliveries and movements together.
    """
    for of in movements:
        where = f"{of.table}: file '{of.file}' of batch {of.batch}"
        unknown = sorted(set(of.counts) - set(BECOMES))
        if unknown:
            raise LedgerError(f"{where}: a replayed record cannot become {', '.join(unknown)}; nothing is published")
        if sum(of.counts.values()) < of.replayed or min(of.replayed, of.discarded, *of.counts.values()) < 0:
            counts = " + ".join(f"{count} {outcome}" for outcome, count in of.counts.items()) or "no outcome"
            raise LedgerError(f"{where}: {of.replayed} replayed, but {counts}; nothing is published")
        left = {"replayed": of.replayed, "discarded": of.discarded, **of.counts}
        for outcome, count in left.items():
            if count:
                key = {"batch": of.batch, "file": of.file, "name": of.table, "outcome": outcome}
                c.execute(insert(schema.movements).values(**key, attempt=attempt, count=count))
        apart = apart_by_file(c, domain).get((of.batch, of.file, of.table))
        if apart is None or apart.open < 0:
            raise LedgerError(f"{where}: more records leave the quarantine than are open in it; nothing is published")
    for table in sorted({of.table for of in movements}):
        _must_balance(c, table)


def apart_by_file(c: Connection, domain: str) -> dict[tuple[int, str, str], Apart]:
    """What stands apart, by (batch, file, table), of files with at least one record that was quarantined."""
    given = _counts(c, schema.outcomes, domain, ("quarantined",))
    moved = _counts(c, schema.movements, domain, LEAVING)
    found = {}
    for (*key, _), quarantined in given.items():
        batch, file, table = key
        replayed, discarded = (moved.get((batch, file, table, leaving), 0) for leaving in LEAVING)
        if quarantined:
            found[batch, file, table] = Apart(quarantined - replayed - discarded, replayed, discarded)
    return found


def _counts(c: Connection, table: Any, domain: str, kinds: Sequence[str]) -> dict[tuple[Any, ...], int]:
    counted, batches = table.c, schema.batches.c
    key = (counted.batch, counted.file, counted.name, counted.outcome)
    query = (
        select(*key, func.sum(counted["count"]).label("records"))
        .join(schema.batches, batches.id == counted.batch)
        .where(batches.domain == domain, counted.outcome.in_(kinds))
        .group_by(*key)
        .order_by(*key)
    )
    return {tuple(row[:4]): int(row.records) for row in c.execute(query)}


def _must_balance(c: Connection, table: str) -> None:
    """The pinned version holds a row for each record that was new and was not deleted since."""
    sums = dict.fromkeys(BECOMES, 0)
    for counted in (schema.outcomes.c, schema.movements.c):
        query = (
            select(counted.outcome, func.sum(counted["count"]).label("records"))
            .where(counted.name == table, counted.outcome.in_(("new", "deleted")))
            .group_by(counted.outcome)
        )
        for row in c.execute(query):
            sums[row.outcome] += int(row.records)
    rows = c.scalar(select(schema.pins.c.rows).where(schema.pins.c.name == table))
    if rows != sums["new"] - sums["deleted"]:
        raise LedgerError(
            f"{table}: {rows} rows, but {sums['new']} new − {sums['deleted']} deleted, replayed ones included; "
            "nothing is published"
        )
