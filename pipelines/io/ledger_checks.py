"""What became of expectations, in the ledger: of batches that were published, and of those that were refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, distinct, func, insert, select

from pipelines.contracts.checks import Check
from pipelines.io import ledger_schema as schema
from pipelines.io.ledger_rows import columns_of

VOLUMES_KEPT = 10
TREND_BATCHES = 8
_SHOWN = ("table", "expectation", "severity", "batch", "checked", "broken", "share", "observed", "bound", "holds")


def record_checks(c: Connection, found: Sequence[Check]) -> None:
    """Keep what a batch's expectations gave."""
    for check in found:
        c.execute(insert(schema.checks).values(**columns_of(check)))


def checks_after(c: Connection, domain: str, batch: int = 0) -> list[tuple[Check, bool]]:
    """The checks of all later batches of a domain, oldest first, and whether each batch was refused."""
    checks, batches = schema.checks.c, schema.batches.c
    query = (
        select(schema.checks, batches.refused)
        .join(schema.batches, batches.id == checks.batch)
        .where(batches.domain == domain, checks.batch > batch)
        .order_by(checks.batch, checks.table, checks.expectation)
    )
    return [(_check(row), row.refused is not None) for row in c.execute(query)]


def check_trends(c: Connection, domain: str) -> list[dict[str, Any]]:
    """What each expectation gave in the newest batch that fed its table, whether it was ever broken, and its `trend`
    over the last batches: what was observed, or the share of rows that broke it."""
    found: dict[tuple[str, str], list[Check]] = {}
    newest: dict[str, int] = {}
    for check, _ in checks_after(c, domain):
        found.setdefault((check.table, check.expectation), []).append(check)
        newest[check.table] = check.batch
    return [
        {
            **{name: getattr(of[-1], name) for name in _SHOWN},
            "was_broken": any(not check.holds for check in of),
            "trend": [check.share if check.observed is None else check.observed for check in of[-TREND_BATCHES:]],
        }
        for (table, _), of in sorted(found.items())
        if of[-1].batch == newest[table]  # else it is declared no more
    ]


def usual_records(c: Connection, table: str, batch: int) -> list[float]:
    """Records a file that the last few published batches before this one brought for a table, the newest first."""
    counted = schema.outcomes.c
    query: Any = (
        select(func.sum(counted["count"]), func.count(distinct(counted.file)))
        .where(counted.name == table, counted.batch < batch)
        .group_by(counted.batch)
        .order_by(counted.batch.desc())
        .limit(VOLUMES_KEPT)
    )
    return [int(records) / files for records, files in c.execute(query)]


def _check(row: Row[Any]) -> Check:
    values = {name: getattr(row, name) for name in Check.__dataclass_fields__}
    return Check(**values | {"delivered_at": datetime.fromisoformat(row.delivered_at)})
