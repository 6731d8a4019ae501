"""F4: something was committed and the answer got lost: the run takes it for failed, the next must not do it twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import partial

from tests.faults.deaths import in_order
from tests.faults.harness import Blow, Case, mended
from tests.faults.place import Place
from tests.faults.site import Site
from tests.faults.warm import ReplyLost

FAULT, WHERE = "F4", "every writer"
QUICK, FULL = 10, 30
_IN_A_ROW = 5


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """Places right after something was done, drawn without repeat until all were; some in a row."""
    passed = place.site.points
    done = [point for point in passed if ":after" in point]
    order = random.Random(seed)
    drawn: list[str] = []
    while len(drawn) < number:
        drawn += order.sample(done, len(done))
    for start in range(0, number, _IN_A_ROW):
        points = in_order(drawn[start : min(start + _IN_A_ROW, number)], passed)
        blows = [Blow(f"{point}, reply lost", partial(_lose, point)) for point in points]
        yield Case(seed + start, ", ".join(blow.point for blow in blows), mended(blows))


def _lose(point: str, site: Site) -> tuple[list[int], list[str]]:
    code = site.run_here(die_at=point, failure=ReplyLost).code
    return [code], [] if code == 1 else [f"the run ended with exit code {code}, not 1: {site.last_words()}"]
