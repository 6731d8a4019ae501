"""Cases and what they come to: a fault and then the oracle's verdict on what it left and on what a run made of that."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.faults import oracle

if TYPE_CHECKING:
    from tests.faults.place import Place
    from tests.faults.site import Site


@dataclass(frozen=True)
class Finding:
    """What a case came to.

    reached: how far what was disturbed had come, in a few words. problems: one sentence for each broken promise; none
    means that everything held. inflicted: how many faults there were.
    """

    reached: str
    problems: tuple[str, ...] = ()
    inflicted: int = 1


@dataclass(frozen=True)
class Case:
    """point: what is inflicted, as it is printed. happen: inflicts it and judges."""

    seed: int
    point: str
    happen: Callable[[Place], Finding]


@dataclass(frozen=True)
class Blow:
    """One disturbed run, or several at once. strike: gives their exit codes, and in sentences what is wrong already."""

    point: str
    strike: Callable[[Site], tuple[list[int], list[str]]]


def mended(blows: Sequence[Blow]) -> Callable[[Place], Finding]:
    """Blow after blow on one delivery, looking at what readers see after each; then a run that must mend it all."""

    def happen(place: Place) -> Finding:
        site, problems = place.site, []
        site.reset()
        for blow in blows:
            codes, wrong = blow.strike(site)
            problems += [f"{blow.point}: {told}" for told in [*wrong, *_seen(site, codes)]]
        reached = site.reached()
        if code := site.run_here().code:
            problems.append(f"the run that mends ended with exit code {code}: {site.last_words()}")
        problems += oracle.broken(site.ledger, site.domain, site.delivered)
        if difference := oracle.state(site.ledger, site.domain).difference(site.after):
            problems.append(f"not as undisturbed: {difference}")
        return Finding(reached, tuple(problems), len(blows))

    return happen


def _seen(site: Site, codes: Sequence[int]) -> list[str]:
    """What is wrong with what readers see after runs that ended with these codes."""
    seen = oracle.state(site.ledger, site.domain)
    if not seen.difference(site.after):
        return []
    problems = []
    if part := seen.difference(site.before):
        problems.append(f"readers see a part of the delivery: {part}")
    if 0 in codes:
        problems.append("a run ended with exit code 0 though its work was incomplete")
    return problems


def timed(case: Case, place: Place) -> tuple[Finding, float]:
    """The finding, and how many seconds it took."""
    began = time.monotonic()
    found = case.happen(place)
    return found, time.monotonic() - began
