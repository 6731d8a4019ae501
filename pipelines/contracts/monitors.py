"""Monitors: when a predicted remaining life raises an alarm, and when that alarm was right."""

from __future__ import annotations

from dataclasses import dataclass

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
