"""All cases of one fault, one after the other, in a process of its own: it has its own Spark session."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from pipelines.io.session import stop
from tests import results
from tests.faults import cases
from tests.faults.domains import known
from tests.faults.harness import timed
from tests.faults.place import Place


@dataclass(frozen=True)
class Tally:
    """What the cases of a fault came to. inflicted: single faults, of which a case can hold many. is_whole: no case was
    left out for lack of time. told: what was printed of each case that failed."""

    fault: str
    where: str
    cases: int
    inflicted: int
    failures: int
    seconds: float
    is_whole: bool
    told: tuple[str, ...]


def faults() -> dict[str, ModuleType]:
    """The modules of all faults by the fault's name, in the order of their numbers."""
    return {module.FAULT: module for module in results.modules_in(cases).values()}


def work(fault: str, is_quick: bool, seed: int, folder: Path, until: float) -> Tally:
    """Inflict what the fault's module says; what each case comes to is printed. folder: is made; what failed is kept
    in it. until: seconds since the epoch, after which no case is begun."""
    module = faults()[fault]
    count = inflicted = 0
    failed = []
    began = time.monotonic()
    is_whole = time.time() <= until
    folder.mkdir()
    with known():
        place = Place(folder)
        for case in module.cases(place, module.QUICK if is_quick else module.FULL, seed) if is_whole else ():
            if time.time() > until:
                is_whole = False
                break
            found, seconds = timed(case, place)
            count, inflicted = count + 1, inflicted + found.inflicted
            word = "FAILED" if found.problems else "ok"
            line = f"{fault} seed {case.seed}: {case.point} [{found.reached}]: {word} ({seconds:.1f} s)"
            told = "\n    ".join([line, *found.problems])
            print(told, flush=True)
            if found.problems:
                failed.append(told)
                if "site" in vars(place):
                    shutil.copytree(place.site.root, folder / f"failed-{count}", symlinks=True)
        stop()
    return Tally(fault, module.WHERE, count, inflicted, len(failed), time.monotonic() - began, is_whole, tuple(failed))
