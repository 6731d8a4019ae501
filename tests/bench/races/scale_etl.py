"""Whether the time from raw files to typed rows grows with the rows, or faster."""

from __future__ import annotations

from pathlib import Path

from tests.bench.harness import Race
from tests.bench.races import etl
from tests.bench.scale import ROWS, grown


def race(folder: Path, rows: int = ROWS) -> Race:
    """So many rows, a tenth and a hundredth of them."""
    return grown("scale_etl", etl.race, folder, rows, goal=1.05, cost="seconds", start=etl.START)
