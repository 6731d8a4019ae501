"""The same work on small data first, so that no side pays for what a process loads or compiles once."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

SMALL, LARGE = "small", "large"


def counted(work: Callable[[Path, Path], None], data: str, made: str) -> None:
    """Do the work from `data`/small to `made`/small, then from large to large; only the second is called work."""
    for size in (SMALL, LARGE):
        begun = time.perf_counter()
        work(Path(data) / size, Path(made) / size)
        worked = time.perf_counter() - begun
    print(f"work {worked:.3f} s")
