"""Promises that rows keep, written as positive sentences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pipelines.contracts.names import checked_name

Severity = Literal["warn", "quarantine", "fail"]


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


def warn(name: str, holds: str) -> Expectation:
    """Count the rows for which `holds` is not true."""
    return Expectation(name, holds, "warn")


def quarantine(name: str, holds: str) -> Expectation:
    """Set apart the rows for which `holds` is not true."""
    return Expectation(name, holds, "quarantine")


def fail(name: str, holds: str) -> Expectation:
    """Refuse the batch if there is a row for which `holds` is not true."""
    return Expectation(name, holds, "fail")
