"""F5: the same job runs again two to five times, and two schedulers start it at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from tests.faults.harness import Blow, Case, mended
from tests.faults.place import Place
from tests.faults.site import Site

FAULT, WHERE = "F5", "land to gold"
QUICK, FULL = 15, 50
_TIMES = (2, 3, 4, 5)
_SAYS = ("waits for process", "works on it; waited")


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """By turns, until the job ran so often: again and again one after the other, and two processes at once."""
    runs = 0
    while runs < number:
        for times in _TIMES:
            blows = [Blow("first", _once), *[Blow(f"run {run} of {times}", _again) for run in range(2, times + 1)]]
            yield Case(seed + runs, f"the same job {times} times", mended(blows))
            runs += times
        blow = Blow("two processes at once", _at_once)
        yield Case(seed + runs, blow.point, mended([blow]))
        runs += 1


def _once(site: Site) -> tuple[list[int], list[str]]:
    return [site.run_here().code], []


def _again(site: Site) -> tuple[list[int], list[str]]:
    begun = site.ledger.newest_attempt()
    code = site.run_here().code
    is_idle = site.ledger.newest_attempt() == begun
    return [code], [] if is_idle else ["it began an attempt, though there was nothing to do"]


def _at_once(site: Site) -> tuple[list[int], list[str]]:
    with ExitStack() as both:
        processes = [both.enter_context(site.ingest()) for _ in range(2)]
    codes = [process.returncode for process in processes]
    told = site.log.read_text()
    problems = []
    if codes not in ([0, 0], [0, 1], [1, 0]):
        problems.append(f"exit codes {codes}: {site.last_words()}")
    if not any(word in told for word in _SAYS):
        problems.append("neither run says that the other works on it")
    return codes, problems
