"""Changed rows by key where the keys lie everywhere, so that no file can be left alone: no worse than the others."""

from __future__ import annotations

from pathlib import Path

from tests.bench.harness import Race
from tests.bench.races.merge import ROWS, upserts


def race(folder: Path, rows: int = ROWS) -> Race:
    """Keys from all of the table."""
    return upserts("merge_everywhere", folder, rows, "everywhere", goal=(1.1, None), never=(1.1, None))
