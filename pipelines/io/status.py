"""What stands published, read from the ledger alone: the one object that `headrace status --json` prints, and what
became of each file's records."""

from __future__ import annotations

from dataclasses import asdict
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Table, exists, func, select

from pipelines.contracts.tables import OUTCOMES
from pipelines.io import ledger_schema as schema
from pipelines.io.ledger_checks import check_trends
from pipelines.io.ledger_movements import apart_by_file
from pipelines.io.publication import Apart, Outcomes


def status(c: Connection) -> dict[str, Any]:
    """{"domains": {name: {"files", "tables", "checks", "tasks"}}}; what was made or written
    but not published is not in it."""
    names: set[str] = set()
    for table in (schema.batches, schema.pins, schema.fits, schema.champions, schema.predictions, schema.decisions):
        names.update(c.scalars(select(table.c.domain).distinct()))
    return {
        "domains": {
            domain: {
                "files": _files(c, domain),
                "tables": _tables(c, domain),
                "checks": check_trends(c, domain),
                "tasks": _tasks(c, domain),
            }
            for domain in sorted(names)
        }
    }


def _files(c: Connection, domain: str) -> int:
    """Files of batches that at least one stage has published."""
    files = schema.files.c
    has_passed_any = exists().where(schema.progress.c.batch == files.batch)
    return c.scalar(select(func.count()).select_from(schema.files).where(files.domain == domain, has_passed_any)) or 0


def _tables(c: Connection, domain: str) -> dict[str, Any]:
    pins = schema.pins.c
    query = select(schema.pins).where(pins.domain == domain, pins.attempt.is_not(None)).order_by(pins.name)
    tables: dict[str, Any] = {
        row.name: {"path": row.path, "version": row.version, "rows": row.rows} for row in c.execute(query)
    }
    counted, batches = schema.outcomes.c, schema.batches.c
    sums = (
        select(counted.name, counted.outcome, func.sum(counted["count"]).label("rows"))
        .join(schema.batches, batches.id == counted.batch)
        .where(batches.domain == domain)
        .group_by(counted.name, counted.outcome)
    )
    for row in c.execute(sums):
        # A table none of whose records got through has outcomes, but was perhaps never made.
        table = tables.setdefault(row.name, {"path": None, "version": None, "rows": 0})
        outcomes = table.setdefault("outcomes", dict.fromkeys(("in", *OUTCOMES), 0))
        outcomes[row.outcome] = int(row.rows)
        outcomes["in"] += int(row.rows)
        table.setdefault("quarantine", asdict(Apart(open=0)))
    for (_, _, name), apart in apart_by_file(c, domain).items():
        for state, count in asdict(apart).items():
            tables[name]["quarantine"][state] += count
    return tables


def _tasks(c: Connection, domain: str) -> dict[str, Any]:
    tasks: dict[str, Any] = {}

    def rows(table: Table) -> Any:
        """The domain's rows of `table`, oldest first, each with its task's entry."""
        order = table.c.get("id", table.c.task)
        for row in c.execute(select(table).where(table.c.domain == domain).order_by(order)):
            yield row, tasks.setdefault(row.task, {"runs": {}, "champion": None, "predictions": 0, "decisions": None})

    for fit, task in rows(schema.fits):
        task["runs"][fit.family] = fit.metrics
    for champion, task in rows(schema.champions):
        task["champion"] = {
            "model": champion.model,
            "version": champion.version,
            "family": champion.family,
            "why": champion.why,
        }
    for prediction, task in rows(schema.predictions):
        task["predictions"] = prediction.rows
    for decision, task in rows(schema.decisions):
        task["decisions"] = {
            "rows": decision.rows,
            "value": decision.value,
            "naive_value": decision.naive_value,
            "foresight_value": decision.foresight_value,
            "unit": decision.unit,
            "higher_is_better": decision.higher_is_better,
        }
    return tasks


def file_outcomes(c: Connection, domain: str, after: int) -> list[Outcomes]:
    """What became of the records of each file, for every table they feed, in the order of arrival; of what attempts
    with a number greater than `after` published."""
    counted, batches = schema.outcomes.c, schema.batches.c
    key = (counted.batch, counted.file, counted.name)
    query = (
        select(*key, counted.outcome, counted["count"].label("records"))
        .join(schema.batches, batches.id == counted.batch)
        .where(batches.domain == domain, counted.attempt > after)
        .order_by(*key)
    )
    found = []
    for (batch, file, table), rows in groupby(c.execute(query), key=lambda row: tuple(row[:3])):
        counts = {row.outcome: row.records for row in rows}
        found.append(Outcomes(batch, file, table, sum(counts.values()), counts))
    return found
