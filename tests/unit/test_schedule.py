"""The schedule as data, the DAG file that Airflow reads, and the crontab."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import _parser
from pipelines.domains import domains
from pipelines.provision.airflow import airflow_places
from pipelines.schedule import upkeep, ways
from pipelines.settings import PROJECT, SettingsError, load

DAGS = PROJECT / "jobs" / "dags" / "headrace.py"
CRONTAB = (PROJECT / "conf" / "crontab").read_text()
HEADRACE = f"{PROJECT}/.venv/bin/headrace"
AIRFLOW = airflow_places().venv.parent / "airflow"
needs_airflow = pytest.mark.skipif(not AIRFLOW.exists(), reason="Airflow is not set up here: make airflow")


def test_every_domain_has_its_way():
    assert [(way.name, way.domain) for way in ways()] == [(f"headrace_{name}", name) for name in domains()]


def test_a_way_is_the_units_in_order_each_with_all_its_stages():
    way = next(way for way in ways() if way.domain == "energy")
    assert (way.owner, way.cron) == ("grid-analytics", "15 1 * * *")
    run = (HEADRACE, "run", "--domain", "energy")
    assert [(step.unit, step.command) for step in way.steps] == [
        ("ingest", (*run, "--stage", "land", "--stage", "bronze", "--stage", "silver", "--stage", "gold")),
        ("learn", (*run, "--stage", "train", "--stage", "evaluate", "--stage", "register")),
        ("decide", (*run, "--stage", "score", "--stage", "decide")),
        ("act", (*run, "--stage", "act")),
        ("observe", (*run, "--stage", "observe")),
    ]


def test_the_maintenance_of_all_domains_is_a_way_of_its_own():
    way = upkeep("cluster")
    assert (way.name, way.cron) == ("headrace_maintenance", "45 3 * * 0")
    assert [(step.unit, step.command) for step in way.steps] == [
        ("maintain", (HEADRACE, "maintain", "--conf", "cluster"))
    ]


def test_an_overlay_gives_the_schedule_and_goes_with_every_command(tmp_path):
    overlay = tmp_path / "nightly.yaml"
    overlay.write_text("schedule:\n  run: 0 */6 * * 1-5\n")
    for way in ways(str(overlay)):
        assert way.cron == "0 */6 * * 1-5"
        assert all(step.command[-2:] == ("--conf", str(overlay)) for step in way.steps)


@pytest.mark.parametrize("cron", ["@daily", "15 1 * *", "15 1 * * * *", "61x 1 * * *"])
def test_a_schedule_that_is_no_cron_is_refused_with_its_place(tmp_path, cron):
    overlay = tmp_path / "nightly.yaml"
    overlay.write_text(f"schedule:\n  run: '{cron}'\n")
    with pytest.raises(SettingsError) as caught:
        ways(str(overlay))
    assert str(caught.value) == (
        f"{overlay}: line 2: 'schedule.run' must be five fields of cron in figures such as 15 1 * * *, not '{cron}'. "
        "See: headrace conf --help"
    )


def test_the_command_line_understands_every_step():
    for step in (step for way in (*ways("cluster"), upkeep("cluster")) for step in way.steps):
        options = _parser().parse_args(step.as_of("2015-01-02T00:00:00+00:00")[1:])
        assert (options.as_of.isoformat(), options.conf) == ("2015-01-02T00:00:00+00:00", Path("cluster"))


def test_the_schedule_is_read_without_any_heavy_package():
    """Airflow's environment has none of them."""
    light = "import json, sys; from pipelines.schedule import ways; ways(); print(json.dumps(sorted(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", light], capture_output=True, text=True, cwd=PROJECT, check=True)
    loaded = {name.split(".")[0] for name in json.loads(ran.stdout)}
    assert loaded & {"pyspark", "pandas", "numpy", "pyarrow", "sqlalchemy", "mlflow", "torch", "xgboost"} == set()


def test_the_dag_file_takes_from_headrace_only_the_schedule_and_the_place():
    nodes = [node for node in ast.walk(ast.parse(DAGS.read_text())) if isinstance(node, ast.ImportFrom)]
    ours = {node.module for node in nodes if node.module.startswith("pipelines")}
    assert ours == {"pipelines.schedule", "pipelines.settings"}


SHOWN = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(sys.argv[1])
print("found:" + json.dumps({"errors": bag.import_errors, "dags": {dag.dag_id: {
    "cron": dag.timetable.expression, "catchup": dag.catchup, "at once": dag.max_active_runs,
    "tasks": {task.task_id: [task.bash_command, sorted(task.downstream_task_ids), task.depends_on_past, task.retries]
              for task in dag.tasks}} for dag in bag.dags.values()}}))
"""


@needs_airflow
def test_airflow_finds_a_dag_for_every_domain_and_no_mistake(tmp_path):
    python = airflow_places().python
    ran = subprocess.run(
        [str(python), "-c", f"import sys{SHOWN}", str(DAGS.parent)],
        env={"AIRFLOW_HOME": str(tmp_path), "PATH": os.environ["PATH"], "AIRFLOW__CORE__LOAD_EXAMPLES": "False"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(re.search(r"^found:(.*)", ran.stdout, re.MULTILINE)[1])
    assert found["errors"] == {}
    assert set(found["dags"]) == {*(f"headrace_{name}" for name in domains()), "headrace_maintenance"}
    tended = found["dags"]["headrace_maintenance"]
    instant = "'{{ (dag_run.logical_date or dag_run.run_after).isoformat() }}'"
    assert (tended["cron"], tended["tasks"]) == (
        "45 3 * * 0",
        {"maintain": [f"exec {HEADRACE} maintain --as-of {instant}", [], False, 2]},
    )
    dag = found["dags"]["headrace_energy"]
    assert (dag["cron"], dag["catchup"], dag["at once"]) == ("15 1 * * *", False, 1)
    assert dag["tasks"]["decide"] == [
        f"exec {HEADRACE} run --domain energy --stage score --stage decide --as-of {instant}",
        ["act"],
        False,
        2,
    ]
    order = {name: after for name, (_, after, _, _) in dag["tasks"].items()}
    assert order == {"ingest": ["learn"], "learn": ["decide"], "decide": ["act"], "act": ["observe"], "observe": []}


def cron_lines() -> list[tuple[str, str]]:
    """Schedule and command of each of the crontab's jobs; cron takes \\% for %."""
    found = []
    for line in (line for line in CRONTAB.splitlines() if re.match(r"[\d*]", line)):
        *fields, command = line.split(" ", 5)
        assert not re.search(r"(?<!\\)%", command), "cron ends a command at a bare %"
        found.append((" ".join(fields), command.replace("\\%", "%")))
    return found


def test_the_crontab_has_the_schedule_of_conf():
    schedule = load(None).schedule
    assert [cron for cron, _ in cron_lines()] == [schedule.run, schedule.maintain]


@pytest.mark.parametrize(("job", "verb"), [(0, "run"), (1, "maintain")])
def test_the_crontab_works_headrace_for_the_day_with_nothing_on_the_path(tmp_path, job, verb):
    headrace = tmp_path / "a house" / ".venv" / "bin" / "headrace"
    headrace.parent.mkdir(parents=True)
    headrace.write_text('#!/bin/sh\necho "$@"\nexit 1\n')
    headrace.chmod(0o755)
    home = tmp_path / "a house"
    ran = subprocess.run(
        ["/bin/sh", "-c", cron_lines()[job][1]],
        env={"HEADRACE_HOME": str(home), "PATH": "/usr/bin:/bin"},  # what cron gives
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (1, "", "")
    log = (home / ".headrace" / "logs" / "cron.log").read_text()
    assert re.fullmatch(rf"{verb} --as-of \d{{4}}-\d{{2}}-\d{{2}}\n", log)
