"""A run killed (-9) between two table commits of a unit: nothing of it is seen, and the next run makes it good."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from pipelines import cli, runner
from pipelines.io.fault import VARIABLE
from pipelines.io.ledger import Ledger
from pipelines.io.table_hash import table_hash
from tests.end_to_end.deliveries import DELIVERIES, readings_of
from tests.house import drop, overlay_on, settings_on, tables, versions

STAGES = ("land", "bronze", "silver")
HISTORY = "silver.energy_load_history"
CHECKS = "silver.energy_checks"  # of all tables, and the house has more of them
LOAD = {"bronze.energy_meter_readings", "silver.energy_load", HISTORY, "quarantine.energy_load"}


@pytest.mark.slow  # make faults inflicts the same on domains that run in seconds
def test_killed_between_two_commits_and_run_again_the_tables_are_those_of_an_undisturbed_run(house, tmp_path):
    """The killed process publishes a first batch; in the second it dies between the commits of two silver tables."""
    settings, conf = settings_on(tmp_path), overlay_on(tmp_path)
    drop(settings, "energy", readings_of(DELIVERIES["first"]))
    assert runner.run(settings, names=["energy"], stages=["land"]).failures == {}
    drop(settings, "energy", readings_of(DELIVERIES["corrected"]))

    command = ["run", "--domain", "energy", "--conf", str(conf), *[w for s in STAGES for w in ("--stage", s)]]
    fault = {VARIABLE: f"commit:{HISTORY}/write:before#2", "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
    killed = subprocess.run(
        [sys.executable, "-m", "pipelines", *command], env={**os.environ, **fault}, capture_output=True, timeout=400
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    seen, heads = tables(settings, "energy"), versions(settings, "energy")
    assert {name for name in seen if heads[name] != seen[name]["version"]} == {
        "bronze.energy_meter_readings",
        "silver.energy_load",
    }
    assert_same(seen, house[1]["first"], LOAD)

    assert cli.main(command) == 0
    assert_same(tables(settings, "energy"), house[1]["corrected"], LOAD)
    assert Ledger(settings.ledger).batches_awaiting("energy", "silver") == []


def assert_same(found, undisturbed, names):
    assert set(found) - {CHECKS} == names
    for name in sorted(names):
        table, same = found[name], undisturbed[name]
        assert (name, table["rows"], table.get("outcomes")) == (name, same["rows"], same.get("outcomes"))
        assert table_hash(table["path"], table["version"]) == table_hash(same["path"], same["version"]), name
