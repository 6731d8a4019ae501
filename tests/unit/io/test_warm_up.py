"""The first query of a brief run: it goes through a batch's steps, and whoever ends the run meanwhile hears nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from pipelines.io import warm_up
from pipelines.settings import PROJECT

SCRIPT = """
import sys, time
from pathlib import Path
from pipelines.io.session import session, stop
from pipelines.settings import load

settings = load(Path("mine.yaml"))
spark = session(settings, is_brief=True)
jobs = spark.sparkContext.statusTracker()
while not jobs.getJobIdsForGroup():
    time.sleep(.01)
print("it has begun")
if "stopped" in sys.argv:
    stop()
"""


def test_its_rows_go_through_every_step(spark: SparkSession) -> None:
    rows = warm_up.judged(spark).collect()
    assert sorted(row["id"] for row in rows) == list(range(64))
    assert {(row["place"], row["value"] == row["id"], row["is_text"]) for row in rows} == {(1, True, False)}


@pytest.mark.parametrize("how", ["stopped", "left"])
def test_the_process_may_end_before_it_does(tmp_path: Path, how: str) -> None:
    (tmp_path / "mine.yaml").write_text(f"root: {tmp_path}/data\nspark:\n  driver_memory: 1g\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py", how],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("it has begun\n", "", 0)
