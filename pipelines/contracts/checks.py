"""What became of a promise in one batch."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Check:
    """One expectation of one table, as a batch kept it.

    table: the full name. checked, broken: rows, or 1 and whether it is broken where the rule is about the batch.
    observed: what was measured and compared with `bound`, None where that is the rows alone.
    delivered_at: the newest logical date of what the batch brought for the table.
    """

    batch: int
    table: str
    expectation: str
    severity: str
    checked: int
    broken: int
    observed: float | None
    bound: str
    holds: bool
    delivered_at: datetime

    @property
    def share(self) -> float:
        return self.broken / self.checked if self.checked else 0.0
