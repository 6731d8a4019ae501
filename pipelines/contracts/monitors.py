"""Monitors: when a prediction about a machine raises an alarm, and when that alarm was right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from pipelines.contracts.names import DeclarationError


@dataclass(frozen=True)
class Monitor:
    """An Estimate of what is left of a machine's life, read as a monitor of it. All but `machine` in the label's unit.

    machine: a column of the asked rows that names the machine. An alarm goes off where the prediction falls to `limit`
    or below; it is right if no more than `horizon` was left then, and no less than `least`, which a repair needs.
    """

    machine: str
    limit: float
    horizon: float
    least: float = 0.0

    def __post_init__(self) -> None:
        if not (0.0 <= self.least < self.horizon and self.limit > 0.0):
            raise DeclarationError(
                f"monitor of '{self.machine}': limit {self.limit:g}, horizon {self.horizon:g}, least {self.least:g}; "
                "it needs 0 ≤ least < horizon and a limit above 0"
            )


@dataclass(frozen=True)
class ScoreMonitor:
    """A Detect read as a monitor of a machine, whose late labels say when it failed: at the first reading of each run
    of 1 of its label.

    machine: a column of the asked rows that names the machine. An alarm goes off where the anomaly score rises to
    `limit` or above; it is right if the machine fails no later than `horizon` after it, and no sooner than `least`.
    """

    machine: str
    limit: float
    horizon: timedelta
    least: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if not (timedelta(0) <= self.least < self.horizon and 0.0 < self.limit <= 1.0):
            raise DeclarationError(
                f"monitor of '{self.machine}': limit {self.limit:g}, horizon {self.horizon}, least {self.least}; "
                "it needs 0 ≤ least < horizon, and a limit above 0 and up to 1"
            )
