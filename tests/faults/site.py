"""A data root on which cases happen: brought back to the same state before each; runs start here or as processes."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pipelines.contracts.domain import Domain
from pipelines.domains import domain as domain_named
from pipelines.io import delta_log, fault
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Pin
from pipelines.settings import PROJECT, load
from tests.faults import deliveries, oracle, warm
from tests.overlay import write_overlay

INGEST = ("land", "bronze", "silver", "gold")
_LONGEST_RUN_S = 900  # an ingest takes 20 to 40 s; under heavy load ten times that was measured
_LONGEST_FAREWELL_S = 60  # a JVM whose Python is gone ends by itself within seconds


class BrokenBench(RuntimeError):
    """The undisturbed runs are not as they must be, so no case can be judged."""


@dataclass
class Site:
    """The first delivery is published; the second one waits in the drops. `reset` brings that back.

    before, after: what readers must see before and after the second delivery was taken in. points: the named places
    that this passed, undisturbed, in order. begun: the tables it wrote that were there before.
    """

    folder: Path
    before: oracle.State = field(init=False)
    after: oracle.State = field(init=False)
    points: tuple[str, ...] = field(init=False)
    begun: tuple[str, ...] = field(init=False)
    _conf: Path = field(init=False)

    def __post_init__(self) -> None:
        self._conf = write_overlay(self.folder, self.root, samples=False)
        self._drop(deliveries.FIRST)
        self._must_complete(self.run_here().code)
        earlier = self._pins()
        self.before = oracle.state(self.ledger, self.domain)
        self._drop(deliveries.SECOND)
        shutil.copytree(self.root, self.folder / "kept", symlinks=True)
        here = self.run_here()
        self._must_complete(here.code)
        self.points = here.points
        self.after = oracle.state(self.ledger, self.domain)
        self.begun = tuple(name for name, pin in self._pins().items() if pin.version > _version(earlier, name) >= 0)
        wrong = oracle.broken(self.ledger, self.domain, self.delivered)
        if dict(self.after.counts) != dict(deliveries.OUTCOMES):
            wrong.append(f"outcomes are {self.after.counts}, but they must be {deliveries.OUTCOMES}")
        if wrong:
            raise BrokenBench(f"undisturbed, and still: {'; '.join(wrong)}")

    @cached_property
    def seconds(self) -> float:
        """How long the second delivery takes in a process of its own, undisturbed; the tables must come out the same.
        Leaves the site to be reset."""
        self.reset()
        started = time.monotonic()
        self._must_complete(self.run())
        taken = time.monotonic() - started
        if difference := oracle.state(self.ledger, self.domain).difference(self.after):
            raise BrokenBench(f"in process and in a process of its own the tables differ: {difference}")
        return taken

    @property
    def root(self) -> Path:
        return self.folder / "root"

    @property
    def log(self) -> Path:
        """What all processes of the current case printed."""
        return self.folder / "run.log"

    @property
    def domain(self) -> Domain:
        return domain_named(deliveries.DOMAIN)

    @property
    def ledger(self) -> Ledger:
        return Ledger(str(self.root / "ledger.db"))

    @property
    def delivered(self) -> dict[str, int]:
        """How many raw records each file of both deliveries holds."""
        files = {**deliveries.FIRST, **deliveries.SECOND}
        return {name: deliveries.records_in(name, text) for name, text in files.items()}

    def reset(self) -> None:
        """Bring back the state before the second delivery; at the same place, since the ledger holds absolute paths."""
        shutil.rmtree(self.root)
        shutil.copytree(self.folder / "kept", self.root, symlinks=True)
        self.log.unlink(missing_ok=True)

    @contextlib.contextmanager
    def ingest(self, die_at: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """An ingest in a process group of its own, of which nothing is left at the end. die_at: a named point."""
        words = [word for stage in INGEST for word in ("--stage", stage)]
        command = [sys.executable, "-m", "tests.faults.headrace", "run", "--domain", self.domain.name, *words]
        environment = os.environ | {fault.VARIABLE: die_at}
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*command, "--conf", str(self._conf)],
                cwd=PROJECT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            yield process
            process.wait(_LONGEST_RUN_S)
            _await_end(process.pid)
        finally:
            kill_group(process)

    def run(self, die_at: str = "") -> int:
        """An ingest from its start to its end; the exit code, negative if a signal ended it."""
        with self.ingest(die_at) as process:
            pass
        return process.returncode

    def run_here(self, die_at: str = "", failure: Callable[[str], BaseException] = warm.Died) -> warm.Ran:
        """An ingest in this process, ended at a named point by what `failure` gives."""
        settings = load(self._conf)
        return warm.run(settings, self.domain.name, INGEST, self.log, die_at=die_at, failure=failure)

    def reached(self) -> str:
        """How far the disturbed runs came: the stage in which the last one spoke, and the commits not yet published."""
        told = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        stages = [words[1] for line in told if len(words := line.partition("]")[2].split()) > 1]
        ahead = {name: delta_log.head(pin.path) for name, pin in self._pins().items()}
        commits = [f"{name}@{head}" for name, head in sorted(ahead.items()) if head != self._pins()[name].version]
        return f"{stages[-1] if stages else 'start'}, {', '.join(commits) or 'no commit ahead of what is published'}"

    def last_words(self) -> str:
        """The last line that the current case's processes printed."""
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return lines[-1] if lines else "it printed nothing"

    def _drop(self, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            path = self.root / "drops" / self.domain.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def _must_complete(self, code: int) -> None:
        if code:
            raise BrokenBench(f"an undisturbed ingest ended with exit code {code}: {self.last_words()} ({self.log})")

    def _pins(self) -> dict[str, Pin]:
        return self.ledger.pins(self.domain.name)


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """kill -9 of the process and its whole group, if anything of it is left."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _await_end(group: int) -> None:
    """Wait for what outlives the leader: a JVM that is still committing is another fault than a death."""
    deadline = time.monotonic() + _LONGEST_FAREWELL_S
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)


def _version(pins: Mapping[str, Pin], name: str) -> int:
    """The pinned version of a table; −1 if there was no such table."""
    return pins[name].version if name in pins else -1
