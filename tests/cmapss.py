"""The simulated engines of C-MAPSS FD001 as an operator would deliver them: a CSV line a flight, and one an answer."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

FOLDER = "manufacturing/cmapss_FD001"
TRAIN_ENGINES = TEST_ENGINES = 100
_AT = "%Y-%m-%dT%H:%M:%SZ"
_SAID = ("setting_1", "setting_2", "setting_3", *[f"sensor_{number}" for number in range(1, 22)])


def delivery(folder: Path, engines: int = TRAIN_ENGINES) -> dict[str, bytes]:
    """Packed CSV files by name, of the first so many engines of either set.

    Published are the flights of engines that fail after their last one, and of others that stop earlier, with the
    flights that these have left then. So a training engine's remaining life is known after each flight, a test engine's
    after its last alone.
    """
    from pipelines.domains.cmapss.domain import ends_at, flown_at

    flights = [",".join(("flight_id", "engine_id", "flight", "flown_at", *_SAID))]
    lives = ["flight_id,flown_at,ended_at,remaining_flights"]
    left = [int(line) for line in _lines(folder / "RUL_FD001.txt.gz")]
    for kind, first in (("train", 0), ("test", TRAIN_ENGINES)):
        for number, said in _engines(folder / f"{kind}_FD001.txt.gz", engines):
            place, last = first + number - 1, len(said)
            for flight, values in enumerate(said, start=1):
                name, at = f"{kind}-{number:03d}-{flight:03d}", flown_at(place, flight).strftime(_AT)
                flights.append(",".join((name, f"{kind}-{number:03d}", str(flight), at, *values)))
                if kind == "train" or flight == last:
                    remaining = last - flight + (left[number - 1] if kind == "test" else 0)
                    lives.append(f"{name},{at},{ends_at(place).strftime(_AT)},{remaining}")
    named = {"flights": flights, "lives": lives}
    return {f"{source}/{_day(ends_at(first + engines))}.csv.gz": _packed(lines) for source, lines in named.items()}


def _engines(path: Path, count: int) -> Iterator[tuple[int, list[list[str]]]]:
    """Each of the first so many engines' number and what was measured in its flights, in order."""
    found: dict[int, list[list[str]]] = {}
    for line in _lines(path):
        engine, _, *values = line.split()
        found.setdefault(int(engine), []).append(values)
    return iter(list(found.items())[:count])


def _lines(path: Path) -> list[str]:
    return gzip.decompress(path.read_bytes()).decode().splitlines()


def _packed(lines: list[str]) -> bytes:
    return gzip.compress("\n".join(lines).encode() + b"\n", compresslevel=1)


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"
