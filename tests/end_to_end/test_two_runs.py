"""Two schedulers start the same job at once: one run does the work, the other waits and then finds nothing to do."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from pipelines.io.ledger import Ledger
from pipelines.settings import PROJECT, load
from tests.house import TOY_DOMAINS, drop, query, tables
from tests.overlay import write_overlay

RUN = f"""
import sys
import pipelines.domains
from pipelines.cli import main
pipelines.domains.__path__.append({str(TOY_DOMAINS)!r})
stages = ["--stage", "land", "--stage", "bronze", "--stage", "silver"]
sys.exit(main(["run", "--domain", "mill", "--conf", sys.argv[1], *stages]))
"""
GAUGES = "station_id,read_at,flow\nupper,2024-01-01T00:00:00Z,1.5\nupper,2024-01-01T01:00:00Z,1.6\n"


@pytest.mark.slow  # make faults has two processes at once too
def test_of_two_runs_at_once_one_works_and_the_other_finds_nothing_to_do(tmp_path: Path) -> None:
    conf = write_overlay(tmp_path, tmp_path / "root", samples=False)
    settings = load(conf)
    drop(settings, "mill", {"gauges/2024-01-02.csv": GAUGES})
    with started(conf) as first:
        told = until("spark", first.stdout)
        first.send_signal(signal.SIGSTOP)  # so that it is still at work when the second one comes
        with started(conf) as second:
            waiting = until("waits for", second.stdout)
            first.send_signal(signal.SIGCONT)
            told += first.communicate(timeout=300)[0]
            waiting += second.communicate(timeout=300)[0]
    assert (first.returncode, second.returncode) == (0, 0), told + waiting
    assert f"waits for process {first.pid} on " in waiting
    assert "gauges: 1 files kept" in told
    assert "mill       land      no new file" in waiting
    assert "records of each file" in told
    assert "records of each file" not in waiting, "those were the other's"
    assert "without starting Spark: there was nothing new to do" in waiting
    assert query(settings, "mill", "bronze.mill_gauges", "SELECT count(*) FROM t") == [(2,)]
    assert tables(settings, "mill")["bronze.mill_gauges"]["rows"] == 2
    assert Ledger(settings.ledger).newest_attempt() == 1


def started(conf: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-u", "-c", RUN, str(conf)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=PROJECT)


def until(word: str, lines: IO[str] | None) -> str:
    """What is printed up to the line with this word."""
    assert lines is not None
    told = ""
    for line in lines:
        told += line
        if word in line:
            return told
    raise AssertionError(f"ended without '{word}': {told}")
