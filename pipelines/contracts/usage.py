"""What a piece of work took of the machine: time, cores, memory, bytes, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_SECONDS_AN_HOUR = 3600


@dataclass(frozen=True)
class Sample:
    """The machine at one moment, by MLflow's names of system metrics; at_ms: milliseconds since 1970."""

    at_ms: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class Usage:
    """core_seconds, bytes_written: what this process and those below it computed, and gave to this machine's disks,
    where its system counts that; of other machines nothing is seen. bytes_read: of the tables' files."""

    seconds: float
    core_seconds: float
    bytes_read: int = 0
    samples: tuple[Sample, ...] = ()
    bytes_written: int = 0

    def metrics(self, stage: str, price_per_core_hour: float) -> dict[str, float]:
        """`cost/<stage>_seconds` and so on; bytes only where any were counted, the price only where conf has one."""
        found = {"seconds": self.seconds, "core_seconds": self.core_seconds}
        found |= {name: float(number) for name in ("bytes_read", "bytes_written") if (number := getattr(self, name))}
        if price_per_core_hour:
            found["price"] = self.price(price_per_core_hour)
        return {f"cost/{stage}_{name}": value for name, value in found.items()}

    def price(self, per_core_hour: float) -> float:
        """In whatever currency a core costs so much an hour."""
        return self.core_seconds / _SECONDS_AN_HOUR * per_core_hour


def summed(costs: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Each cost over all of them."""
    found: dict[str, float] = {}
    for of in costs:
        for name, value in of.items():
            found[name] = found.get(name, 0.0) + value
    return found
