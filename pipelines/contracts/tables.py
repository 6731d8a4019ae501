"""Typed tables: what a raw record must become to be trusted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pipelines.contracts.expectations import Expectation, Fresh, TableRule
from pipelines.contracts.names import DeclarationError, checked_name

OUTCOMES = ("new", "updated", "deleted", "unchanged", "duplicate", "superseded", "quarantined")
"""Every raw record has exactly one of these per target table."""

VALID_TO = "valid_to"
"""The column that ends a version, where a table keeps versions."""


@dataclass(frozen=True)
class Column:
    """One typed column and how it is read from the raw record.

    type: a Spark SQL type ("double", "timestamp", "boolean", …).
    field: the raw field it comes from (default: the column's own name); blank text is null.
    formerly: names that the field had in older deliveries; the first that a record has is read.
    optional: a whole delivery may lack the field, which is then null; else a header without it breaks the contract.
    convert: SQL over `value`, the field already cast to `type`; e.g. "value * 1000" for GW → MW.
    pattern: for timestamps and dates, the datetime pattern, or several to try in turn; ISO 8601 with an offset by
    default.
    null_text: a regular expression; field text that matches it as a whole stands for no value (`n/a`, say).
    pii: says something about a person; masked wherever a command shows records.
    A field that has text but gives no value makes the record unreadable, and so does a number that the type cannot
    hold without loss.
    """

    name: str
    type: str
    field: str = ""
    convert: str = ""
    pattern: str | tuple[str, ...] = ""
    unit: str = ""
    nullable: bool = False
    doc: str = ""
    formerly: tuple[str, ...] = ()
    optional: bool = False
    null_text: str = ""
    pii: bool = False

    def __post_init__(self) -> None:
        checked_name(self.name, "column")
        if not self.field:
            object.__setattr__(self, "field", self.name)
        if not self.nullable and (self.optional or self.null_text):
            said = "null_text" if self.null_text else "optional"
            raise DeclarationError(f"column '{self.name}': {said} says when it is null, so only where it is nullable")
        try:
            re.compile(self.null_text)
        except re.error as error:
            raise DeclarationError(
                f"column '{self.name}': null_text '{self.null_text}' is no regular expression: {error}"
            ) from None

    @property
    def patterns(self) -> tuple[str, ...]:
        """The datetime patterns to try in turn; none means ISO 8601."""
        return self.pattern if isinstance(self.pattern, tuple) else (self.pattern,) if self.pattern else ()

    @property
    def fields(self) -> tuple[str, ...]:
        """The raw field's name, then its former ones."""
        return (self.field, *self.formerly)


@dataclass(frozen=True)
class Table:
    """One silver table, fed by one source.

    key: columns that identify a thing; one row a key is held.
    event_time: column with the instant it happened. available_at: SQL over the columns, from when it may be used;
    "" means the delivery's logical date. timeless tables of a timeless domain leave both empty.
    order: columns whose greater value is the newer statement about a key; () means the delivery's logical date.
    tombstone: SQL over `raw`, the map of raw fields (all text), true for a record that withdraws its key.
    valid_from: a column with the instant from which a row's values hold in the world. The table then keeps every
    version of a key (SCD2): one row a (key, valid_from), with `valid_to`, the next version's valid_from, or null.
    on_break: what a delivery costs that breaks the schema contract (a field dropped, renamed or retyped without a
    declaration): "quarantine" its rows, or "refuse" the batch with a diff.
    cluster: columns by which `headrace maintain` lays the rows out, so that readers by them skip files.
    computed: columns that the domain's features.py adds where gold reads the table, for features alone; of what a
    Column may say, they have name, type, unit and doc.
    """

    name: str
    source: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    event_time: str = ""
    available_at: str = ""
    order: tuple[str, ...] = ()
    tombstone: str = ""
    expect: tuple[Expectation | TableRule, ...] = ()
    doc: str = ""
    valid_from: str = ""
    on_break: Literal["quarantine", "refuse"] = "quarantine"
    cluster: tuple[str, ...] = ()
    computed: tuple[Column, ...] = ()

    def __post_init__(self) -> None:
        checked_name(self.name, "table")
        names = [column.name for column in self.columns]
        times = [name for name in (self.event_time, self.valid_from) if name]
        for wanted in (*self.key, *self.order, *self.cluster, *times):
            if wanted not in names:
                raise DeclarationError(f"table '{self.name}': '{wanted}' is not one of its columns: {', '.join(names)}")
        every = [column.name for column in self.of_features]
        if len(set(every)) != len(every):
            raise DeclarationError(f"table '{self.name}': a column is declared twice")
        if not self.key:
            raise DeclarationError(f"table '{self.name}': needs a key")
        if self.name == "checks":
            raise DeclarationError("table 'checks': the results of expectations have this name; choose another")
        self._check_expectations(names)
        if self.valid_from:
            self._check_versions(names)

    def _check_expectations(self, names: list[str]) -> None:
        for rule in self.expect:
            for wanted in rule.columns_used if isinstance(rule, TableRule) else ():
                if wanted not in names:
                    raise DeclarationError(f"table '{self.name}', expectation '{rule.name}': no column '{wanted}'")
            if isinstance(rule, Fresh) and not self.event_time:
                raise DeclarationError(f"table '{self.name}', expectation '{rule.name}': needs an event time")
            if [other.name for other in self.expect].count(rule.name) > 1:
                raise DeclarationError(f"table '{self.name}': expectation '{rule.name}' is declared twice")

    def _check_versions(self, names: list[str]) -> None:
        column = next(column for column in self.columns if column.name == self.valid_from)
        if self.valid_from in self.key:
            raise DeclarationError(
                f"table '{self.name}': '{self.valid_from}' tells the versions of a key apart; leave it out of the key"
            )
        if column.nullable or column.type not in ("timestamp", "date"):
            raise DeclarationError(f"table '{self.name}': '{self.valid_from}' must be an instant that is never null")
        if VALID_TO in names:
            raise DeclarationError(
                f"table '{self.name}': '{VALID_TO}' is computed from '{self.valid_from}'; do not declare it"
            )

    @property
    def of_features(self) -> tuple[Column, ...]:
        """What features may be made of."""
        return (*self.columns, *self.computed)

    @property
    def version_key(self) -> tuple[str, ...]:
        """What one row is held for: a key, or a key from an instant on."""
        return (*self.key, self.valid_from) if self.valid_from else self.key

    @property
    def row_rules(self) -> tuple[Expectation, ...]:
        return tuple(rule for rule in self.expect if isinstance(rule, Expectation))

    @property
    def table_rules(self) -> tuple[TableRule, ...]:
        return tuple(rule for rule in self.expect if isinstance(rule, TableRule))

    @property
    def nullable(self) -> frozenset[str]:
        return frozenset(column.name for column in self.columns if column.nullable)

    def may_be_null(self, expectation: Expectation) -> bool:
        """A null breaks an expectation, unless it reads a column that is declared nullable."""
        return any(re.search(rf"\b{name}\b", expectation.holds) for name in self.nullable)
