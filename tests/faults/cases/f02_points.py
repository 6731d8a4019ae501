"""F2: the process dies at a named point, before or after each commit, creation, restore and publication."""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from functools import partial

from tests.faults.harness import Case
from tests.faults.site import Site

FAULT, WHERE = "F2", "land to gold"
QUICK, FULL = 4, 1000


def cases(site: Site, number: int, seed: int) -> Iterator[Case]:
    """A seeded choice of `number` among the points that an undisturbed run passes; where it may be more than there are,
    all of them once, and every restore: that happens only in the run after one that died with its tables written, so
    these cases die twice and take three runs.
    """
    deaths: list[tuple[str, ...]] = [(point,) for point in site.points]
    if number > len(deaths):
        last = next(point for point in site.points if point.startswith("publish:"))
        deaths += [(last, f"restore:{table}:after") for table in site.begun]
    for chosen in random.Random(seed).sample(deaths, min(number, len(deaths))):
        yield Case(seed, " then ".join(chosen), partial(_inflict, chosen))


def _inflict(points: tuple[str, ...], site: Site) -> tuple[list[int], list[str]]:
    codes = [site.run(die_at=point) for point in points]
    alive = [point for point, code in zip(points, codes, strict=True) if code != -signal.SIGKILL]
    return codes, [f"the run did not die at {point}: {site.last_words()}" for point in alive]
