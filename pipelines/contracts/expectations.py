"""Promises that rows and tables keep, written as positive sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from pipelines.contracts.names import DeclarationError, checked_name

Severity = Literal["warn", "quarantine", "fail"]
TableSeverity = Literal["warn", "fail"]


@dataclass(frozen=True)
class Expectation:
    """`holds` is a SQL predicate over the table's columns; what a broken one costs is its severity.

    warn: counted, the row goes through. quarantine: the row is set apart with this name as its reason.
    fail: the batch is refused and nothing of it is published.
    """

    name: str
    holds: str
    severity: Severity

    def __post_init__(self) -> None:
        checked_name(self.name, "expectation")


@dataclass(frozen=True)
class TableRule:
    """A promise about a batch or the table as a whole. It sets no row apart: it warns, or refuses the batch."""

    name: str
    severity: TableSeverity

    def __post_init__(self) -> None:
        checked_name(self.name, "expectation")
        if self.severity not in ("warn", "fail"):
            raise DeclarationError(
                f"expectation '{self.name}': severity '{self.severity}' is for rules about single rows; a rule about "
                "the table can only warn or fail"
            )

    @property
    def columns_used(self) -> tuple[str, ...]:
        """Columns of the table that the rule reads."""
        return ()


@dataclass(frozen=True)
class Unique(TableRule):
    """No two rows in force have the same values in `columns`; a null is like no other."""

    columns: tuple[str, ...]

    @property
    def columns_used(self) -> tuple[str, ...]:
        return self.columns


@dataclass(frozen=True)
class Volume(TableRule):
    """A batch brings `at_least` to `at_most` times the usual number of records a file: the median of up to ten earlier
    batches. It holds as long as there are fewer than three."""

    at_least: float
    at_most: float


@dataclass(frozen=True)
class Fresh(TableRule):
    """The newest event time that came through is at most `within` older than the batch's newest logical delivery
    date. It holds where nothing came through."""

    within: timedelta


@dataclass(frozen=True)
class References(TableRule):
    """Each value of `columns` without a null is a key of `table`, of the same domain, as it stands with this batch."""

    columns: tuple[str, ...]
    table: str

    @property
    def columns_used(self) -> tuple[str, ...]:
        return self.columns


def warn(name: str, holds: str) -> Expectation:
    """Count the rows for which `holds` is not true."""
    return Expectation(name, holds, "warn")


def quarantine(name: str, holds: str) -> Expectation:
    """Set apart the rows for which `holds` is not true."""
    return Expectation(name, holds, "quarantine")


def fail(name: str, holds: str) -> Expectation:
    """Refuse the batch if there is a row for which `holds` is not true."""
    return Expectation(name, holds, "fail")


def accepted(name: str, column: str, values: Sequence[str | int], severity: Severity) -> Expectation:
    """Of each row: `column` has one of `values`."""
    if not values:
        raise DeclarationError(f"expectation '{name}': accepts no value at all")
    literals = [str(value) if isinstance(value, int) else _quoted(value) for value in values]
    return Expectation(name, f"{column} in ({', '.join(literals)})", severity)


def unique(name: str, columns: Sequence[str], severity: TableSeverity) -> Unique:
    """No two rows in force alike in `columns`; the key is unique without it."""
    return Unique(name, severity, tuple(columns))


def volume(name: str, severity: TableSeverity, *, at_least: float = 0.5, at_most: float = 2.0) -> Volume:
    """The usual number of records a file, or nearly."""
    return Volume(name, severity, at_least, at_most)


def fresh(name: str, within: timedelta, severity: TableSeverity) -> Fresh:
    """Events up to shortly before the delivery."""
    return Fresh(name, severity, within)


def references(name: str, columns: Sequence[str], table: str, severity: TableSeverity) -> References:
    """Only things that `table` knows by its key."""
    return References(name, severity, tuple(columns), table)


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
