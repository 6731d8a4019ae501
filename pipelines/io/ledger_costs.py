"""What stages took of the machine, in the ledger: of attempts that were published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, insert, select

from pipelines.contracts.usage import Usage
from pipelines.io import ledger_schema as schema


@dataclass(frozen=True)
class StageCost:
    """What all attempts at a stage, of a task or of the domain's tables ("" as the subject), took together."""

    stage: str
    subject: str
    attempts: int
    usage: Usage


def record_costs(c: Connection, attempt: int, domain: str, costs: Mapping[tuple[str, str], Usage]) -> None:
    """Keep what an attempt took, by (stage, subject)."""
    for position, ((stage, subject), of) in enumerate(costs.items()):
        place = {"attempt": attempt, "stage": stage, "subject": subject, "domain": domain, "position": position}
        taken = {"seconds": of.seconds, "core_seconds": of.core_seconds, "bytes_written": of.bytes_written}
        c.execute(insert(schema.costs).values(**place, **taken))


def costs_after(c: Connection, domain: str, attempt: int = 0) -> list[StageCost]:
    """What was taken by attempts with greater numbers, in the order in which stages were first worked on."""
    columns = schema.costs.c
    query = (
        select(
            columns.stage,
            columns.subject,
            func.count(),
            func.sum(columns.seconds),
            func.sum(columns.core_seconds),
            func.sum(columns.bytes_written),
        )
        .where(columns.domain == domain, columns.attempt > attempt)
        .group_by(columns.stage, columns.subject)
        .order_by(func.min(columns.attempt), func.min(columns.position))
    )
    return [
        StageCost(stage, subject, number, Usage(seconds, core_seconds, bytes_written=int(written)))
        for stage, subject, number, seconds, core_seconds, written in c.execute(query)
    ]


def newest_fit(c: Connection, domain: str, task: str) -> int:
    """The attempt that published the task's newest fits; 0 if there are none."""
    return _newest(c, schema.fits, domain, task)


def newest_champion(c: Connection, domain: str, task: str) -> int:
    """The attempt that made the task's champion what it is; 0 if there is none."""
    return _newest(c, schema.champions, domain, task)


def _newest(c: Connection, table: Table, domain: str, task: str) -> int:
    columns = table.c
    return c.scalar(select(func.max(columns.attempt)).where(columns.domain == domain, columns.task == task)) or 0
