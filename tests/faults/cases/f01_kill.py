"""F1: kill -9 of the whole process group at a random time, and deaths in process at a random named point."""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from functools import partial

from tests.faults.deaths import die_at, in_order
from tests.faults.harness import Blow, Case, mended
from tests.faults.place import Place
from tests.faults.site import Site, kill_group

FAULT, WHERE = "F1", "land to gold"
QUICK, FULL = 25, 200
_KILLED_IN_QUICK, _KILLED_IN_FULL = 5, 20
_IN_A_ROW = 5
_TRIES = 6
_SOONER = 0.9  # of the time before, with each try that came too late


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """Times spread over the whole of an undisturbed run: one drawn from each of as many equal parts of it as there are
    real kills. The other deaths are in process, some in a row: the run that would mend one dies of the next.
    """
    kills = _KILLED_IN_FULL if number == FULL else min(number, _KILLED_IN_QUICK)
    for part in range(kills):
        share = (part + random.Random(seed + part).random()) / kills
        blow = Blow(f"kill -9 of the group at {share:.0%} of an undisturbed run", partial(_kill, share))
        yield Case(seed + part, blow.point, mended([blow]))
    for part in range(kills, number, _IN_A_ROW):
        draw = random.Random(seed + part)
        drawn = [draw.choice(place.site.points) for _ in range(min(_IN_A_ROW, number - part))]
        blows = [die_at(point) for point in in_order(drawn, place.site.points)]
        yield Case(seed + part, ", ".join(blow.point for blow in blows), mended(blows))


def _kill(share: float, site: Site) -> tuple[list[int], list[str]]:
    # Other load makes a run two to four times slower (measured): one that ended before its time says how long runs take
    # now, and the next blow falls sooner besides, or a late one in a calming machine misses time and again.
    seconds = site.seconds
    site.reset()
    for _ in range(_TRIES):
        started = time.monotonic()
        with site.ingest() as process:
            try:
                process.wait(share * seconds)
            except subprocess.TimeoutExpired:
                kill_group(process)
        if process.returncode:
            return [process.returncode], []
        seconds = _SOONER * min(seconds, time.monotonic() - started)
        site.reset()
    return [], [f"{_TRIES} runs ended before they could be killed"]
