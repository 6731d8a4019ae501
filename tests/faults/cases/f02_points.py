"""F2: the run dies at a named point: before or after each kept file, batch, commit, creation, restore, publication."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tests.faults.harness import Case
from tests.faults.site import Site

FAULT, WHERE = "F2", "land to gold"
QUICK, FULL = 1, 3


def cases(site: Site, number: int, seed: int) -> Iterator[Case]:
    """All points that an undisturbed run passes, each `number` times; and every restore: that happens only in the run
    after one that died with its tables written, so these cases die twice and take three runs.
    """
    last = next(point for point in site.points if point.startswith("publish:"))
    deaths: list[tuple[str, ...]] = [(point,) for point in site.points]
    deaths += [(last, f"restore:{table}:after") for table in site.begun]
    for turn in range(number):
        for points in deaths:
            yield Case(seed + turn, " then ".join(points), partial(_inflict, points))


def _inflict(points: tuple[str, ...], site: Site) -> tuple[list[int], list[str]]:
    codes = [site.run_here(die_at=point).code for point in points]
    alive = [point for point, code in zip(points, codes, strict=True) if code != -9]
    return codes, [f"the run did not die at {point}: {site.last_words()}" for point in alive]
