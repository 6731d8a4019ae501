"""Typed tables: what a raw record must become to be trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipelines.contracts.expectations import Expectation
from pipelines.contracts.names import DeclarationError, checked_name

OUTCOMES = ("new", "updated", "deleted", "unchanged", "duplicate", "superseded", "quarantined")
"""Every raw record has exactly one of these per target table."""


@dataclass(frozen=True)
class Column:
    """One typed column and how it is read from the raw record.

    type: a Spark SQL type ("double", "timestamp", "boolean", …).
    field: the raw field it comes from (default: the column's own name); blank text is null.
    convert: SQL over `value`, the field already cast to `type`; e.g. "value * 1000" for GW → MW.
    pattern: for timestamps and dates, the datetime pattern; ISO 8601 with an offset by default.
    A field that has text but gives no value makes the record unreadable.
    """

    name: str
    type: str
    field: str = ""
    convert: str = ""
    pattern: str = ""
    unit: str = ""
    nullable: bool = False
    doc: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "column")
        if not self.field:
            object.__setattr__(self, "field", self.name)


@dataclass(frozen=True)
class Table:
    """One silver table, fed by one source.

    key: columns that identify a thing; one row a key is held.
    event_time: column with the instant it happened. available_at: SQL over the columns, from when it may be used;
    "" means the delivery's logical date. timeless tables of a timeless domain leave both empty.
    order: columns whose greater value is the newer statement about a key; () means the delivery's logical date.
    tombstone: SQL over `raw`, the map of raw fields (all text), true for a record that withdraws its key.
    """

    name: str
    source: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event_time: str = ""
    available_at: str = ""
    order: tuple[str, ...] = ()
    tombstone: str = ""
    expect: tuple[Expectation, ...] = ()
    doc: str = ""

    def __post_init__(self) -> None:
        checked_name(self.name, "table")
        names = [column.name for column in self.columns]
        for wanted in (*self.key, *self.order, *((self.event_time,) if self.event_time else ())):
            if wanted not in names:
                raise DeclarationError(f"table '{self.name}': '{wanted}' is not one of its columns: {', '.join(names)}")
        if len(set(names)) != len(names):
            raise DeclarationError(f"table '{self.name}': a column is declared twice")
        if not self.key:
            raise DeclarationError(f"table '{self.name}': needs a key")

    @property
    def nullable(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns if column.nullable)

    def may_be_null(self, expectation: Expectation) -> bool:
        """A null breaks an expectation, unless it reads a column that is declared nullable."""
        return any(re.search(rf"\b{name}\b", expectation.holds) for name in self.nullable)
