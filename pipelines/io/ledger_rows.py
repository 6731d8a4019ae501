"""How records become rows of the ledger, and rows of a key replace each other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, insert

from pipelines.io.failures import LedgerError


def put(c: Connection, table: Table, key: dict[str, Any], values: dict[str, Any]) -> None:
    """Write the row of this key, in place of the one that is there."""
    c.execute(delete(table).where(*(table.c[name] == value for name, value in key.items())))
    c.execute(insert(table).values(key | values))


def columns_of(record: Any) -> dict[str, Any]:
    """A record's fields as column values; instants become text in UTC."""
    return {name: _stored(name, value) for name, value in vars(record).items()}


def _stored(name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise LedgerError(f"{name} {value}: an instant needs a time zone")
    return value.astimezone(UTC).isoformat()
