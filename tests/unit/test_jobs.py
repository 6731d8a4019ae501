"""The entry points for spark-submit, run as plain scripts: spark-submit only puts a JVM in front."""

from __future__ import annotations

import runpy
import subprocess
import sys

import pytest

from pipelines import cli
from pipelines.settings import PROJECT
from pipelines.stages import STAGES
from tests.house import overlay_on

JOBS = ("etl", "train", "decide", "observe")


def run(job: str, *words: object) -> tuple[int, str]:
    """The exit code and stderr of a job."""
    command = [sys.executable, str(PROJECT / "jobs" / f"{job}.py"), *[str(word) for word in words]]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, timeout=120)
    return ran.returncode, ran.stderr


def test_one_job_after_the_other_is_the_whole_way(monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(cli, "job", lambda stages: asked.extend(stages))
    for job in JOBS:
        with pytest.raises(SystemExit):
            runpy.run_path(str(PROJECT / "jobs" / f"{job}.py"), run_name="__main__")
    assert asked == [stage.name for stage in STAGES]
    assert {path.stem for path in (PROJECT / "jobs").glob("*.py")} == {*JOBS, "maintain"}


def test_a_job_ends_with_the_exit_code_of_its_stages_and_one_line(tmp_path):
    words = ("--domain", "energy", "--conf", overlay_on(tmp_path))
    assert run("etl", *words) == (0, "")
    code, line = run("train", *words)
    assert (code, line.count("\n")) == (1, 1)
    assert line.startswith("headrace: energy/load_mw: train waits for gold.energy_load_mw, ")
    assert run("maintain", *words) == (0, "")
    unknown = run("observe", *words[2:], "--domain", "enrgy")
    assert unknown == (2, "headrace: unknown domain 'enrgy'. There are: energy, finance, logistics\n")
