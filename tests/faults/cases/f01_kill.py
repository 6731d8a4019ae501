"""F1: kill -9 of the whole process group at a random time."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from functools import partial

from tests.faults.harness import Case
from tests.faults.site import Site, kill_group

FAULT, WHERE = "F1", "land to gold"
QUICK, FULL = 3, 20


def cases(site: Site, number: int, seed: int) -> Iterator[Case]:
    """Times spread over the whole undisturbed run: one drawn from each of `number` equal parts of it."""
    for part in range(number):
        after_s = site.seconds * (part + random.Random(seed + part).random()) / number
        yield Case(seed + part, f"kill -9 of the group after {after_s:.1f} s", partial(_inflict, after_s))


def _inflict(after_s: float, site: Site) -> tuple[list[int], list[str]]:
    with site.ingest() as process:
        try:
            process.wait(after_s)
        except subprocess.TimeoutExpired:
            kill_group(process)
    return [process.returncode], []
