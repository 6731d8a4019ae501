"""The run of a search in MLflow grows with its study; a trial's run is logged once, nested in it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import mlflow
import pytest

from pipelines.contracts.trials import Trial
from pipelines.io.run_records import TableRead
from pipelines.io.spool import Spool
from pipelines.io.tracking import Tracking
from pipelines.io.tune_records import StudyReport
from pipelines.metrics.study_figure import history
from tests.house import settings_on
from tests.tiny_gold import plan_for

PLAN = plan_for("xgboost", {}, max_depth=5)
REPORT = StudyReport(
    "xgboost-abc",
    PLAN,
    datetime(2024, 2, 9, tzinfo=UTC),
    1_700_000_000_000,
    "3 trials, 5 minutes",
    "the validate span",
    (TableRead("gold.tiny_load", "/data/load", 3, 1920),),
)
TRIALS = (
    Trial(1, {"max_depth": 5}, "judged", 4.0, {1: 0.8}, 2.0, 3.0),
    Trial(2, {"max_depth": 4}, "pruned", None, {1: 1.4}, 1.0, 1.0, "behind after 1 of 2 folds"),
    Trial(3, {"max_depth": 6}, "judged", 3.0, {1: 0.6}, 2.5, 4.0),
)


@pytest.fixture
def store(tmp_path):
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    settings = settings_on(tmp_path)
    yield Tracking(settings), mlflow.MlflowClient(settings.mlflow.tracking_uri)
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


def log_trial(tracking, folder: Path, trial: Trial) -> None:
    spool = Spool(folder)
    plan = replace(PLAN, params=dict(trial.params))
    spool.add(trial.number, REPORT.trial(trial, plan, {"mae": trial.loss} if trial.loss else {}).write)
    for entry in spool.entries():
        tracking.log(entry.folder)
        spool.drop(entry)


def renew(tracking, folder: Path, trials) -> None:
    folder.mkdir()
    best = min((of for of in trials if of.loss), key=lambda of: of.loss)
    picture = history(
        trials, best=best, cheapest=best, declared=trials[0], naive=5.0, metric="mae", subject="load_mw: xgboost"
    )
    REPORT.write(folder, trials, {"mae/best": best.loss, "trials": len(trials)}, best.params, picture)
    tracking.renew(folder)


def test_a_study_that_grew_is_told_again_in_the_same_run(store, tmp_path):
    tracking, client = store
    tracking.open(REPORT.opened)
    log_trial(tracking, tmp_path / "spool", TRIALS[0])
    renew(tracking, tmp_path / "first", TRIALS[:1])
    tracking.open(REPORT.opened)
    for trial in (TRIALS[0], *TRIALS[1:]):  # the first once more, as after a kill
        log_trial(tracking, tmp_path / "spool", trial)
    renew(tracking, tmp_path / "second", TRIALS)

    runs = client.search_runs([client.get_experiment_by_name("/tiny/load_mw").experiment_id])
    (study,) = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    trials = {run.info.run_name: run for run in runs if run is not study}
    assert sorted(trials) == ["xgboost trial 1", "xgboost trial 2", "xgboost trial 3"] and len(runs) == 4
    assert {run.data.tags["mlflow.parentRunId"] for run in trials.values()} == {study.info.run_id}
    assert study.data.metrics == {"mae/best": 3.0, "trials": 3.0}
    assert json.loads(study.data.tags["headrace.best"]) == {"max_depth": 6}
    assert study.data.tags["headrace.budget"] == "3 trials, 5 minutes"
    assert (study.info.run_name, study.info.status) == ("tune xgboost@2024-02-09T00:00Z", "FINISHED")
    assert [of.dataset.name for of in study.inputs.dataset_inputs] == ["gold.tiny_load v3"]
    pruned = trials["xgboost trial 2"]
    assert pruned.data.metrics == {"seconds": 1.0, "core_seconds": 1.0, "in_parts_of_naive": 1.4}
    assert (pruned.data.tags["headrace.fate"], pruned.data.tags["headrace.why"]) == (
        "pruned",
        "behind after 1 of 2 folds",
    )
    assert trials["xgboost trial 3"].data.params["max_depth"] == "6"
    told = Path(client.download_artifacts(study.info.run_id, "trials.csv")).read_text().splitlines()
    assert told == [
        "trial,max_depth,fate,loss,seconds,core_seconds,why",
        "1,5,judged,4.0,2.0,3.0,",
        "2,4,pruned,,1.0,1.0,behind after 1 of 2 folds",
        "3,6,judged,3.0,2.5,4.0,",
    ]
