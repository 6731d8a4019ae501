"""One case: a fault, then the run that must mend it, then the oracle's verdict."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.faults import oracle
from tests.faults.site import Site


@dataclass(frozen=True)
class Case:
    """inflict: starts the disturbed run or runs and returns their exit codes; what it says is wrong comes second."""

    seed: int
    point: str
    inflict: Callable[[Site], tuple[list[int], list[str]]]


@dataclass(frozen=True)
class Verdict:
    """problems: one sentence each; empty means that everything held. reached: how far the disturbed run came."""

    case: Case
    reached: str
    problems: tuple[str, ...]
    seconds: float


def judge(site: Site, case: Case) -> Verdict:
    """Reset the site, inflict the fault, look, run again, look again."""
    started = time.monotonic()
    site.reset()
    codes, problems = case.inflict(site)
    reached = site.reached()
    seen = oracle.state(site.ledger, site.domain)
    is_complete = not seen.difference(site.after)
    if not is_complete and (part := seen.difference(site.before)):
        problems.append(f"readers see a part of the delivery: {part}")
    if not is_complete and 0 in codes:
        problems.append("a run ended with exit code 0 though its work was incomplete")
    if code := site.run_here().code:
        problems.append(f"the run after it ended with exit code {code}: {site.last_words()}")
    problems += oracle.broken(site.ledger, site.domain, site.delivered)
    if difference := oracle.state(site.ledger, site.domain).difference(site.after):
        problems.append(f"not as undisturbed: {difference}")
    return Verdict(case, reached, tuple(problems), time.monotonic() - started)
