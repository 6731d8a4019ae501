"""F1: kill -9 of the whole process group at a random time."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from functools import partial

from tests.faults.harness import Case
from tests.faults.site import Site, kill_group

FAULT, WHERE = "F1", "land to gold"
QUICK, FULL = 3, 20
_TRIES = 3


def cases(site: Site, number: int, seed: int) -> Iterator[Case]:
    """Times spread over the whole of an undisturbed run: one drawn from each of `number` equal parts of it."""
    for part in range(number):
        share = (part + random.Random(seed + part).random()) / number
        yield Case(seed + part, f"kill -9 of the group at {share:.0%} of an undisturbed run", partial(_inflict, share))


def _inflict(share: float, site: Site) -> tuple[list[int], list[str]]:
    # Other load makes a run two to four times slower (measured), so one that ended before its time sets a new one.
    seconds = site.seconds
    for _ in range(_TRIES):
        started = time.monotonic()
        with site.ingest() as process:
            try:
                process.wait(share * seconds)
            except subprocess.TimeoutExpired:
                kill_group(process)
        if process.returncode:
            return [process.returncode], []
        seconds = time.monotonic() - started
        site.reset()
    return [], [f"{_TRIES} runs ended before they could be killed"]
