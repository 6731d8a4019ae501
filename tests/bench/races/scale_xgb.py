"""Whether the time of a hundred trees on Spark grows with the rows, or faster."""

from __future__ import annotations

from pathlib import Path

from tests.bench.harness import Race
from tests.bench.races import xgb
from tests.bench.scale import ROWS, grown


def race(folder: Path, rows: int = ROWS) -> Race:
    """So many rows, a tenth and a hundredth of them."""
    return grown("scale_xgb", xgb.race, folder, rows, goal=1.10, cost="work_seconds")
