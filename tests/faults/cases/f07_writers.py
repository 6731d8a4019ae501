"""F7: processes that write one local table at once: every acknowledged commit is there, but not without the lock."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from pipelines.io import delta_log
from pipelines.io.ledger import Ledger
from pipelines.settings import PROJECT
from tests.faults.harness import Case, Finding
from tests.faults.place import Place
from tests.faults.site import kill_group
from tests.faults.writers import ROWS, TABLE, Acknowledged
from tests.overlay import write_overlay

FAULT, WHERE = "F7", "bronze, silver, maintenance"
QUICK, FULL = 500, 5000
_WRITERS = 3
_MOST_BARE_COMMITS = 20_000
# else each of Spark's commits waits for figures and files that only speed up reading: 1.1 s instead of 0.3 s
_QUICKLY = """
spark.databricks.delta.writeChecksumFile.enabled              false
spark.databricks.delta.properties.defaults.checkpointInterval 100
"""
_LOCAL_LOG_STORE = "spark.delta.logStore.file.impl    io.delta.storage.LocalLogStore\n"
_LONGEST_S = 7200


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """The first case holds if the fault shows once the lock is off, and not before: the second one's commits, by the
    house's own way and by Spark's, take too long beside their last step, which is the one to be locked, to prove
    anything by themselves. It comes last, for it takes long, and where time ends a quick round, no case is begun any
    more."""
    point = f"{_WRITERS} processes write {number} commit files with the lock, then without until one is lost"
    yield Case(seed, point, partial(_without_it, number))
    yield Case(seed, f"{_WRITERS} processes make {number} commits to one table", partial(_with_the_lock, number))


def _with_the_lock(number: int, place: Place) -> Finding:
    folder = place.folder / "locked"
    with _writers(folder, "locked", -(-number // _WRITERS)) as processes:
        codes = [process.wait(_LONGEST_S) for process in processes]
    told = _told(folder)
    problems = [f"writer {i} ended with exit code {code}: {_last(folder)}" for i, code in enumerate(codes) if code]
    problems += _lost(folder, told) + _unasked(folder, told) + _wrong_rows(folder, told)
    return Finding(f"{len(told)} commits acknowledged", tuple(problems), len(told))


def _without_it(number: int, place: Place) -> Finding:
    folder = place.folder / "bare"
    with _writers(folder, "bare", -(-number // _WRITERS), _LOCAL_LOG_STORE) as processes:
        _await(folder, "alone", processes)
        locked = _told(folder)
        problems = _lost(folder, locked)
        (folder / "bare").touch()
        while all(process.poll() is None for process in processes) and len(_told(folder)) < _MOST_BARE_COMMITS:
            if _versions_told_twice(_told(folder)):  # one version, two commits: one of them is lost
                break
            time.sleep(0.5)
        (folder / "stop").touch()
        codes = [process.wait(_LONGEST_S) for process in processes]
    told = _told(folder)
    lost = len(_lost(folder, told))
    if not lost or any(codes):
        problems.append(f"without the lock {lost} commits were lost; exit codes {codes}: {_last(folder)}")
    reached = f"{len(locked)} with the lock; without it {lost} of {len(told) - len(locked)}"
    return Finding(reached, tuple(problems), len(locked))


@contextmanager
def _writers(folder: Path, kind: str, commits: int, conf: str = "") -> Iterator[Sequence[subprocess.Popen[bytes]]]:
    """Writers that have just been told to begin, and of which nothing is left in the end. conf: Spark's, besides."""
    folder.mkdir()
    overlay = write_overlay(folder, folder / "root", samples=False)
    with (folder / "spark.conf").open("a") as properties:
        properties.write(_QUICKLY + conf)
    processes = []
    try:
        for writer in range(_WRITERS):
            words = [str(word) for word in (overlay, folder, writer, commits, kind)]
            with (folder / "writers.log").open("ab") as log:
                processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "tests.faults.writers", *words],
                        cwd=PROJECT,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=subprocess.STDOUT,
                        start_new_session=True,
                    )
                )
        _await(folder, "ready", processes)
        (folder / "go").touch()
        yield processes
    finally:
        for process in processes:
            kill_group(process)


def _await(folder: Path, sign: str, processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Wait until all writers have given this sign, or one has ended."""
    while not all((folder / f"{sign}-{writer}").exists() for writer in range(_WRITERS)):
        if any(process.poll() is not None for process in processes):
            return
        time.sleep(0.05)


def _told(folder: Path) -> list[Acknowledged]:
    """What the writers were told, in no order; a line that is still being written is left out."""
    texts = [path.read_text() for path in sorted(folder.glob("told-*.jsonl"))]
    lines = [line for text in texts for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [Acknowledged(**json.loads(line)) for line in lines]


def _versions_told_twice(told: Sequence[Acknowledged]) -> bool:
    return len({acknowledged.version for acknowledged in told}) < len(told)


def _stamps(folder: Path) -> dict[int, str]:
    """What the commits on disk carry, by their versions."""
    return {c.version: c.stamp for c in delta_log.commits_since(str(_table(folder)), -1)}


def _lost(folder: Path, told: Sequence[Acknowledged]) -> list[str]:
    stamps = _stamps(folder)
    return [
        f"version {t.version} was acknowledged to '{t.stamp}', but is by '{stamps.get(t.version, 'nobody')}'"
        for t in told
        if stamps.get(t.version) != t.stamp
    ]


def _unasked(folder: Path, told: Sequence[Acknowledged]) -> list[str]:
    """Commits that nobody was told of, and figures that are not as they must be."""
    stamps = _stamps(folder)
    acknowledged = {t.version for t in told}
    head = DeltaTable(str(_table(folder))).version()
    problems = [f"version {v} is by '{by}', who was not told" for v, by in stamps.items() if v not in acknowledged]
    if not head + 1 == len(stamps) == len(told):
        problems.append(f"{len(told)} commits were acknowledged, {len(stamps)} are on disk, HEAD is version {head}")
    return problems


def _wrong_rows(folder: Path, told: Sequence[Acknowledged]) -> list[str]:
    """Rows at what is published, against those acknowledged: each must be there once."""
    pin = Ledger(f"sqlite:///{folder / 'root' / 'ledger.db'}").pins("faults")[TABLE]
    found = QueryBuilder().register("t", DeltaTable(pin.path, version=pin.version)).execute("SELECT * FROM t")
    held = Counter((row["writer"], row["turn"], row["number"]) for row in pa.table(found).to_pylist())
    wanted = Counter((t.writer, t.turn, number) for t in told if t.turn >= 0 for number in range(ROWS))
    problems = [
        f"row {row} was acknowledged {wanted[row]} times, but is there {held[row]} times"
        for row in wanted | held
        if held[row] != wanted[row]
    ]
    return problems if wanted else ["no rows were acknowledged"]


def _table(folder: Path) -> Path:
    return folder.joinpath("root", *TABLE.split("."))


def _last(folder: Path) -> str:
    """The last line that the writers printed."""
    lines = (folder / "writers.log").read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "they printed nothing"
