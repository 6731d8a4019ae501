"""How the columns of tables changed, in the ledger: fields of raw records, declared columns of typed tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from pipelines.io import ledger_schema as schema
from pipelines.io.publication import SchemaChange


def record_schemas(c: Connection, attempt: int, domain: str, changes: Sequence[SchemaChange]) -> None:
    """Keep each change after those before it."""
    for of in changes:
        said = {"change": dict(of.change), "columns": dict(of.columns)}
        c.execute(insert(schema.schemas).values(domain=domain, name=of.table, batch=of.batch, attempt=attempt, **said))


def schema_history(c: Connection, domain: str | None = None) -> list[SchemaChange]:
    """All changes of a domain's tables, or of all, table by table, the oldest first."""
    columns = schema.schemas.c
    query: Any = select(schema.schemas).order_by(columns.domain, columns.name, columns.id)
    if domain is not None:
        query = query.where(columns.domain == domain)
    return [SchemaChange(row.name, row.batch, row.change, row.columns) for row in c.execute(query)]


def columns_now(c: Connection, domain: str) -> dict[str, dict[str, str]]:
    """By table, the columns that were recorded last."""
    return {of.table: dict(of.columns) for of in schema_history(c, domain)}
