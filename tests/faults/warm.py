"""Runs in this process, on one warm Spark session: dozens of deaths in the time that one process takes to start."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines import runner
from pipelines.io import fault, lock
from pipelines.io.session import session
from pipelines.settings import Settings


class Died(BaseException):
    """The process is dead from here on, so whoever lets this pass has tidied nothing."""


class ReplyLost(ConnectionError):
    """What was asked for was done, and the answer did not arrive."""


@dataclass(frozen=True)
class Ran:
    """How a run ended. code: as a process of its own would have ended, −9 where it died. points: the named places it
    passed in their order, `name#2` where it came by again; the last one is where it died."""

    code: int
    points: tuple[str, ...]


def run(
    settings: Settings,
    domain: str,
    stages: Sequence[str],
    log: Path,
    *,
    die_at: str = "",
    failure: Callable[[str], BaseException] = Died,
) -> Ran:
    """Run the stages; at the named point raise what `failure` makes of its name.

    What a kernel does for a dead process is done for it: its locks are free, the memory of its JVM is forgotten.
    """
    points: list[str] = []
    with _forgetful(settings), log.open("a") as told, contextlib.redirect_stdout(told):
        try:
            with _watched(points, die_at, failure):
                outcome = runner.run(settings, names=[domain], stages=stages)
        except Died:
            code = -9
        except ReplyLost as error:
            told.write(f"{error}\n")
            code = 1
        else:
            told.writelines(f"{subject}: {why}\n" for subject, why in outcome.failures.items())
            code = 1 if outcome.failures else 0
    return Ran(code, tuple(points))


@contextlib.contextmanager
def _watched(points: list[str], die_at: str, failure: Callable[[str], BaseException]) -> Iterator[None]:
    """Note every named point that is passed, and raise at one of them."""
    passed: Counter[str] = Counter()

    def point(name: str) -> None:
        passed[name] += 1
        points.append(name if passed[name] == 1 else f"{name}#{passed[name]}")
        if points[-1] == die_at:
            raise failure(die_at)

    real, fault.point = fault.point, point
    try:
        yield
    finally:
        fault.point = real


@contextlib.contextmanager
def _forgetful(settings: Settings) -> Iterator[None]:
    """Nothing that one run holds in memory or has locked is there for the next."""
    spark = session(settings)
    try:
        yield
    finally:
        for held in lock._held.values():
            held.file.close()
        lock._held.clear()
        spark.catalog.clearCache()
        # the tables' files are put back to an earlier state between cases: what Delta remembers of them is then false
        jvm = spark._jvm
        assert jvm is not None
        jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()
