"""F1: kill -9 of the whole process group at a random time, and deaths in process at a random named point."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from functools import partial

from tests.faults.harness import Case
from tests.faults.site import Site, kill_group

FAULT, WHERE = "F1", "land to gold"
QUICK, FULL = 25, 220
_KILLED_IN_QUICK, _KILLED_IN_FULL = 5, 20
_TRIES = 3


def cases(site: Site, number: int, seed: int) -> Iterator[Case]:
    """Times spread over the whole of an undisturbed run: one drawn from each of as many equal parts of it as there are
    real kills. The other cases die in process."""
    kills = _KILLED_IN_FULL if number == FULL else min(number, _KILLED_IN_QUICK)
    for part in range(kills):
        share = (part + random.Random(seed + part).random()) / kills
        yield Case(seed + part, f"kill -9 of the group at {share:.0%} of an undisturbed run", partial(_kill, share))
    for part in range(kills, number):
        # after one death in four the rerun dies too, anywhere it comes to
        draw = random.Random(seed + part)
        deaths = [draw.choice(site.points) for _ in range(2 if draw.random() < 0.25 else 1)]
        yield Case(seed + part, " then ".join(f"in process at {point}" for point in deaths), partial(_die, deaths))


def _kill(share: float, site: Site) -> tuple[list[int], list[str]]:
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


def _die(deaths: list[str], site: Site) -> tuple[list[int], list[str]]:
    first, *later = deaths
    codes = [site.run_here(die_at=first).code]
    problems = [] if codes == [-9] else [f"the run did not die at {first}: {site.last_words()}"]
    # a second run does not come by a point whose work the first one has finished: then it simply completes
    return codes + [site.run_here(die_at=point).code for point in later], problems
