"""Tables in an object store, a real one on this machine: what a folder would hold, also after a kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import fs

from pipelines import runner
from pipelines.io import delta_log
from pipelines.io.fault import VARIABLE
from pipelines.io.s3 import arrow_place
from pipelines.io.table_hash import table_hash
from pipelines.settings import load
from tests.end_to_end.deliveries import DELIVERIES
from tests.house import drop, overlay_on, tables
from tests.stores import SECRET, serving_apart

pytestmark = pytest.mark.skipif(
    not (Path(sys.prefix) / "s3").is_dir(), reason="Spark cannot reach a store here. Run: make s3"
)
HISTORY = "silver.energy_load_history"
CHECKS = "silver.energy_checks"  # how long it took is in it


@pytest.fixture
def conf(monkeypatch, tmp_path):
    """Of a data root in a store that is served meanwhile; all else lies in a folder."""
    places = {
        "drops": str(tmp_path / "drops"),
        "ledger": f"sqlite:///{tmp_path}/ledger.db",
        "mlflow": {"tracking_uri": f"sqlite:///{tmp_path}/mlflow.db", "artifacts": str(tmp_path / "artifacts")},
        "outbox": {"path": str(tmp_path / "outbox")},
        "spark": {"log_file": str(tmp_path / "spark.log"), "driver_memory": "1g"},
    }
    with serving_apart(monkeypatch, "lake"):
        yield overlay_on(tmp_path, root="s3a://lake/house", **places)


def ingest(conf: Path, *stages: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return headrace("run", conf, *[word for stage in stages for word in ("--stage", stage)], **environment)


def headrace(command: str, conf: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelines", command, "--domain", "energy", "--conf", str(conf), *words],
        env={**os.environ, "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1", **environment},
        capture_output=True,
        text=True,
        timeout=400,
    )


def parquet_files(path: str) -> set[str]:
    store, folder = arrow_place(path)
    return {info.base_name for info in store.get_file_info(fs.FileSelector(folder)) if info.extension == "parquet"}


def assert_as_in_a_folder(settings, after) -> None:
    found = {name: table for name, table in tables(settings, "energy").items() if name != CHECKS}
    assert all(table["path"].startswith("s3a://lake/house/") for table in found.values())
    for name, table in found.items():
        same = after[name]
        assert (name, table["rows"], table.get("outcomes")) == (name, same["rows"], same.get("outcomes"))
        assert table_hash(table["path"], table["version"]) == table_hash(same["path"], same["version"]), name


def test_deliveries_and_a_kill_come_to_the_tables_of_a_folder(house, conf):
    """The killed process publishes a first batch; in the second it dies between the commits of two silver tables."""
    settings = load(conf)
    for name in ("first", "corrected"):
        drop(settings, "energy", DELIVERIES[name])
        assert runner.run(settings, names=["energy"], stages=["land"]).failures == {}
    killed = ingest(conf, "bronze", "silver", **{VARIABLE: f"commit:{HISTORY}/write:before#2"})
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert_as_in_a_folder(settings, house[1]["first"])
    held = tables(settings, "energy")["silver.energy_load"]
    assert delta_log.head(held["path"]) > held["version"], "it was killed behind this commit"

    again = ingest(conf, "bronze", "silver")
    assert again.returncode == 0, again.stderr
    assert set(tables(settings, "energy")) == set(house[1]["corrected"])
    assert_as_in_a_folder(settings, house[1]["corrected"])

    load_mw = tables(settings, "energy")["silver.energy_load"]
    needed = {Path(file).name for file in delta_log.files(load_mw["path"], load_mw["version"])}
    assert parquet_files(load_mw["path"]) > needed, "of the killed attempt, and those that were replaced"
    tidied = headrace("maintain", conf, "--as-of", "2100-01-01")
    assert tidied.returncode == 0, tidied.stderr
    assert parquet_files(load_mw["path"]) == needed
    assert_as_in_a_folder(settings, house[1]["corrected"])
    assert SECRET not in killed.stderr + again.stdout + tidied.stdout + Path(settings.spark.log_file).read_text()
