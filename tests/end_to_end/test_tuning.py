"""A search for parameters on a small domain with real Spark and MLflow, killed (-9) in the middle and gone on with."""

from __future__ import annotations

import csv
import itertools
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient

from pipelines import cli, runner
from pipelines.io.fault import VARIABLE
from pipelines.runner.tuning import Budget, tune
from pipelines.runner.tuning_report import summary
from pipelines.settings import PROJECT
from tests.house import TOY_DOMAINS, drop, overlay_on, settings_on, toys_found
from tests.mill import raw_files

PLACE = {"training": {"workers": 1, "engines": {"linear": "single", "xgboost": "single"}}}
WORDS = ["tune", "--domain", "mill", "--task", "flow_m3s", "--trials", "4"]
_MILL = f"""
import sys
import pipelines.domains
from pipelines.cli import main
pipelines.domains.__path__.append({str(TOY_DOMAINS)!r})
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def mill():
    with toys_found():
        yield


@pytest.fixture(scope="module")
def place(spark, mill, tmp_path_factory) -> Path:
    """A house where the mill's gold is published, and no more."""
    folder = tmp_path_factory.mktemp("tuned")
    settings = settings_on(folder, **PLACE)
    drop(settings, "mill", raw_files())
    assert runner.run(settings, names=["mill"], stages=["land", "bronze", "silver", "gold"]).failures == {}
    return folder


@pytest.fixture(scope="module")
def killed(place):
    """The third trial was judged and stood in the spool, but not yet in the study; then the command once more."""
    conf = str(overlay_on(place, **PLACE))
    fault = {VARIABLE: "tune:spooled#3", "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1"}
    words = [sys.executable, "-c", _MILL, *WORDS, "--family", "xgboost", "--conf", conf]
    died = subprocess.run(words, env={**os.environ, **fault}, capture_output=True, text=True, cwd=PROJECT, timeout=400)
    assert died.returncode == -signal.SIGKILL, died.stderr
    before = sqlite3.connect(place / "root" / "tuning" / "mill" / "flow_m3s" / "studies.db")
    states = [state for (state,) in before.execute("SELECT state FROM trials ORDER BY number")]
    before.close()
    fits = {file: file.stat().st_mtime_ns for file in (place / "root" / "fits").rglob("result.json")}
    outcome = tune(settings_on(place, **PLACE), "mill", "flow_m3s", ["xgboost"], Budget(4, 30))
    return states, fits, outcome


def runs_of(place, task):
    client = MlflowClient(settings_on(place).mlflow.tracking_uri)
    runs = client.search_runs([client.get_experiment_by_name(f"/mill/{task}").experiment_id])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    return client, parents, [run for run in runs if run not in parents]


def test_after_a_kill_the_same_command_goes_on_where_it_was(place, killed):
    states, fits, outcome = killed
    assert states == ["COMPLETE", "COMPLETE", "RUNNING"]
    assert outcome.failures == {}
    (found,) = outcome.found
    assert [trial.number for trial in found.trials] == [1, 2, 3, 4]
    assert found.ended == "4 trials are made"
    # what was fitted before the kill was not fitted again
    assert {file: file.stat().st_mtime_ns for file in fits} == fits and len(fits) == 4


def test_a_search_that_was_never_disturbed_makes_the_same_trials(place, killed):
    (found,) = killed[2].found
    kept = place / "root" / "tuning"
    shutil.move(kept, place / "kept")
    try:
        (anew,) = tune(settings_on(place, **PLACE), "mill", "flow_m3s", ["xgboost"], Budget(4, 30)).found
    finally:
        shutil.rmtree(kept)
        shutil.move(place / "kept", kept)
    told = [[(trial.params, trial.loss, trial.course) for trial in of.trials] for of in (found, anew)]
    assert told[0] == told[1]


def test_the_declared_parameters_come_first_and_the_best_is_no_worse(killed):
    (found,) = killed[2].found
    assert found.trials[0] == found.declared
    assert (found.declared.params["learning_rate"], found.declared.params["max_depth"]) == (0.3, 5)
    losses = [trial.loss for trial in found.trials]
    assert found.best.loss == min(losses) <= found.declared.loss
    assert found.cheapest.loss <= 1.01 * found.best.loss and found.cheapest.core_seconds <= found.best.core_seconds
    assert found.naive > 0 and found.judged_on.startswith("the validate span (2024-01-24T13:00Z")


def test_each_trial_is_one_run_nested_in_that_of_the_study(place, killed):
    (found,) = killed[2].found
    client, parents, children = runs_of(place, "flow_m3s")
    (parent,) = parents
    assert parent.info.run_name.startswith("tune xgboost@") and parent.info.status == "FINISHED"
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    by_name = {run.info.run_name: run for run in children}
    assert sorted(by_name) == [f"xgboost trial {number}" for number in (1, 2, 3, 4)] and len(children) == 4
    for trial in found.trials:
        run = by_name[f"xgboost trial {trial.number}"]
        assert run.data.metrics["mae"] == trial.loss and run.data.metrics["naive_mae"] == found.naive
        assert run.data.params["learning_rate"] == str(trial.params["learning_rate"])
        assert run.data.tags["headrace.fate"] == "judged" and run.info.status == "FINISHED"
    metrics = parent.data.metrics
    assert metrics["mae/best"] == found.best.loss and metrics["mae/declared"] == found.declared.loss
    assert (metrics["trials"], metrics["mae/naive"]) == (4, found.naive)
    assert len(parent.inputs.dataset_inputs) > 2
    assert [file.path for file in client.list_artifacts(parent.info.run_id, "figures")] == ["figures/history.png"]
    text = Path(client.download_artifacts(parent.info.run_id, "trials.csv")).read_text()
    rows = list(csv.DictReader(text.splitlines()))
    assert [float(row["loss"]) for row in rows] == [trial.loss for trial in found.trials]


def test_the_minutes_end_a_search_after_its_first_trial_with_whole_records_and_it_goes_on(place, killed):
    """By a clock on which a minute passes whenever it is looked at; the first trial, as declared, is always made."""
    minutes = itertools.count(0, 60)
    outcome = tune(settings_on(place, **PLACE), "mill", "level_m", ["linear"], Budget(3, 1), lambda: next(minutes))
    (found,) = outcome.found
    assert outcome.failures == {}
    assert (len(found.trials), found.ended) == (1, "1 minutes are over")
    assert found.trials[0] == found.declared == found.best == found.cheapest
    assert "1 trials, 0 given up; 1 minutes are over (budget: 3 trials, 1 minutes)" in summary(found)
    _, (parent,), (child,) = runs_of(place, "level_m")
    assert child.data.metrics["mae"] == found.declared.loss == parent.data.metrics["mae/best"]
    assert (parent.data.metrics["trials"], parent.data.tags["headrace.budget"]) == (1, "3 trials, 1 minutes")
    (again,) = tune(settings_on(place, **PLACE), "mill", "level_m", ["linear"], Budget(2, 30)).found
    assert (again.trials[0], again.ended) == (found.trials[0], "2 trials are made")


def test_folds_judge_where_they_are_declared_and_a_small_space_is_tried_whole(place, capsys):
    conf = str(overlay_on(place, **PLACE))
    assert cli.main(["tune", "--task", "level_m", "--conf", conf]) == 0
    told = capsys.readouterr().out
    assert "4 trials, 0 given up; every combination was tried (budget: 20 trials, 30 minutes)" in told
    assert "judged on 3 folds up to 2024-01-29T00:00Z" in told
    _, (parent,), children = runs_of(place, "level_m")
    client = MlflowClient(settings_on(place).mlflow.tracking_uri)
    for run in children:
        points = client.get_metric_history(run.info.run_id, "in_parts_of_naive")
        assert [point.step for point in points] == [1, 2, 3]
        assert points[-1].value == pytest.approx(run.data.metrics["mae"] / run.data.metrics["naive_mae"])
    assert parent.data.metrics["mae/best"] == np.min([run.data.metrics["mae"] for run in children])


def test_more_trials_go_on_from_the_same_study_and_stay_in_its_run(place, killed, capsys):
    conf = str(overlay_on(place, **PLACE))
    words = [*WORDS[:-1], "5", "--family", "xgboost", "--conf", conf]
    assert cli.main(words) == 0
    told = capsys.readouterr().out
    assert "the study goes on: 4 trials were made before" in told and "trial 5 of 5: mae " in told
    assert 'params={"xgboost": {"rounds": 20' in told or "No trial was better" in told
    _, (parent,), children = runs_of(place, "flow_m3s")
    assert (len(children), parent.data.metrics["trials"]) == (5, 5)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--domain", "mlil", "--task", "flow_m3s"], 2, "unknown domain 'mlil'. There are: energy, "),
        (["--domain", "mill", "--task", "flow"], 2, "no task 'flow'. There are: flow_m3s, level_m\n"),
        (
            ["--task", "flow_m3s", "--family", "lstm"],
            2,
            "task 'flow_m3s' has no family 'lstm'. It has: seasonal_naive, linear, xgboost\n",
        ),
        (
            ["--task", "flow_m3s", "--family", "seasonal_naive"],
            2,
            "family 'seasonal_naive' declares no search range, so there is nothing to tune. "
            "Of the task's families these do: linear, xgboost\n",
        ),
        (["--task", "flow_m3s"], 1, "tune waits for gold.mill_"),
    ],
)
def test_a_mistake_is_one_line(mill, tmp_path, capsys, words, code, said):
    assert cli.main(["tune", *words, "--conf", str(overlay_on(tmp_path))]) == code
    line = capsys.readouterr().err
    assert line.startswith(f"headrace: {said}") and line.count("\n") == 1


def test_what_mlflow_does_not_take_waits_and_is_told_by_the_same_command(place, killed, capsys):
    nowhere = {**PLACE, "mlflow": {"tracking_uri": f"sqlite:///{place}/root/ledger.db/no.db"}}
    words = [*WORDS, "--family", "linear", "--trials", "2"]
    assert cli.main([*words, "--conf", str(overlay_on(place, **nowhere))]) == 1
    said = capsys.readouterr()
    assert "The search goes on; its trials wait in " in said.out and "trial 2 of 2: mae " in said.out
    assert "the same command tells it later" in said.err
    assert cli.main([*words, "--conf", str(overlay_on(place, **PLACE))]) == 0
    _, parents, children = runs_of(place, "flow_m3s")
    assert len(parents) == 2 and len([run for run in children if run.data.tags["headrace.tuned"] == "linear"]) == 2
