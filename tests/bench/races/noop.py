"""A finished ingest run again with nothing new: no JVM, no new version, almost no time."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

from pipelines.io.ledger import Ledger
from tests.bench.harness import OURS, Figure, Race, Side, VoidRace
from tests.bench.processes import measured
from tests.overlay import write_overlay

IMPORT, START = "importing the command line", "starting Python"
STAGES = ("land", "bronze", "silver", "gold")
PROTOCOL = (
    "energy's embedded records (25 files) are ingested once; then `headrace run --domain energy --stage land --stage "
    "bronze --stage silver --stage gold` again, in turn with the floors, each in a process of its own, files in the "
    "page cache. Void if Spark is started, the status changes or a table gets a commit"
)


def race(folder: Path) -> Race:
    """Ingest once; the race repeats it."""
    root = folder / "root"
    words = [word for stage in STAGES for word in ("--stage", stage)]
    overlay = str(write_overlay(folder, root, samples=True))
    command = (sys.executable, "-m", "pipelines", "run", "--domain", "energy", *words, "--conf", overlay)
    measured(command, root)
    finished = _published(root)

    def output(printed: str) -> str:
        if "without starting Spark" not in printed:
            raise VoidRace("noop: the run started Spark though there was nothing to do")
        if _published(root) != finished:
            raise VoidRace("noop: the run changed what is published")
        return finished

    return Race(
        name="noop",
        sides=(
            Side(OURS, command, root, output=output),
            Side(IMPORT, (sys.executable, "-c", "import pipelines.cli"), root),
            Side(START, (sys.executable, "-c", "pass"), root),
        ),
        floor=START,
        figures=(
            Figure("a finished ingest run again, s", "", goal=1.5, first_mark=20.0),
            Figure("a finished ingest run again, times importing the command line", IMPORT, goal=None, first_mark=None),
        ),
        protocol=PROTOCOL,
        repetitions=9,
    )


def _published(root: Path) -> str:
    """A hash of what is published and of which commits the tables have."""
    commits = sorted(str(path.relative_to(root)) for path in root.glob("*/*/_delta_log/*.json"))
    status = Ledger(str(root / "ledger.db")).status()
    return hashlib.sha256(json.dumps([status, commits], sort_keys=True).encode()).hexdigest()
