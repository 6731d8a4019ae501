"""Deaths at named points, and which of them can follow which on the same delivery."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from tests.faults.harness import Blow
from tests.faults.site import Site

# What these stand for is done once: a run that comes after it was done does not pass there again.
_ONCE = ("keep:", "batch:", "create:")


def die_at(point: str) -> Blow:
    """A run that dies in this process at a named point."""
    return Blow(point, partial(_die, point))


def in_order(points: Iterable[str], passed: Sequence[str]) -> list[str]:
    """These points so that a run dies at each: what is passed once as an undisturbed run passes it, then the others as
    they are, and at last where everything is done. One that is passed once is in the result once."""
    drawn = list(points)
    once = sorted({point for point in drawn if point.startswith(_ONCE)}, key=passed.index)
    last = [point for point in passed if point.startswith("publish:")][-1]
    again = [point for point in drawn if not point.startswith(_ONCE) and point != last]
    return once + again + [last] * (last in drawn)


def _die(point: str, site: Site) -> tuple[list[int], list[str]]:
    code = site.run_here(die_at=point).code
    return [code], [] if code == -9 else [f"the run did not die there: {site.last_words()}"]
