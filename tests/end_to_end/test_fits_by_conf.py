"""What conf changes about the mill's fits: a budget of minutes, two of Spark's workers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from pipelines import engines, runner
from pipelines.cli import main
from pipelines.contracts.fits import FitError
from pipelines.engines.shards import examples_of, shard_hash
from pipelines.io.ledger import Ledger
from pipelines.io.tracking import Tracking
from pipelines.runner.recorded import recorded_plan
from tests.house import overlay_on, settings_on, tables
from tests.mill import PLACE

pytestmark = pytest.mark.slow  # everything is fitted and judged once more


def test_a_run_refuses_fits_over_its_budget_unless_forced(way, capsys, monkeypatch):
    """As if each fit so far had taken an hour; another precision asks for new ones, which are not made here."""
    settings, first = way
    for file in (Path(settings.root) / "fits").rglob("measured.json"):
        content = json.loads(file.read_text())
        file.write_text(json.dumps(content | {"usage": content["usage"] | {"seconds": 3600.0}}))
    training = PLACE["training"] | {"precision": "bfloat16", "budget_minutes": 30}
    overlay = str(overlay_on(Path(settings.root).parent / "other", root=settings.root, training=training))
    asked = ["run", "--domain", "mill", "--stage", "train", "--conf", overlay]

    def begun(plan, *_):
        raise FitError(f"{plan.task}: {plan.family} has begun")

    monkeypatch.setattr(engines, "fit", begun)
    assert main(asked) == 1
    told = capsys.readouterr().err
    assert "mill/flow_m3s: flow_m3s: the fit of seasonal_naive is estimated at " in told and "has begun" not in told
    assert told.count("over training.budget_minutes 30. Raise it in conf, or run with --force") == 2  # tasks
    assert main([*asked, "--force"]) == 1
    told = capsys.readouterr().err
    assert told.count("seasonal_naive has begun") == 2 and "budget" not in told
    assert Ledger(settings.ledger).status() == first.status


def test_a_fit_by_two_workers_is_one_nested_run_with_what_each_of_them_did(way, mlflow_runs):
    settings, client = way[0], mlflow_runs[0]
    training = {"workers": 2, "engines": {"linear": "single", "xgboost": "xgboost_spark"}}
    by_two = settings_on(Path(settings.root).parent / "by_two", root=settings.root, training=training)
    assert runner.run(by_two, names=["mill"], stages=["train", "evaluate", "register"]).failures == {}
    (run,) = [
        run
        for run in client.search_runs([mlflow_runs[1].info.experiment_id], "params.engine = 'xgboost_spark'")
        if run.info.status == "FINISHED"
    ]
    assert (run.data.tags["family"], run.data.params["workers"]) == ("xgboost", "2")
    parent = client.get_run(run.data.tags["mlflow.parentRunId"])
    assert parent.info.run_id != mlflow_runs[1].info.run_id
    beside = client.search_runs([parent.info.experiment_id], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert {one.data.tags["family"] for one in beside} == {"seasonal_naive", "linear", "xgboost"}

    plan = recorded_plan(Tracking(by_two).recorded(run.info.run_id), run.info.run_id)
    shards = [examples_of(plan, plan.train, rank, 2) for rank in (0, 1)]
    workers = json.loads(Path(client.download_artifacts(run.info.run_id, "workers.json")).read_text())["workers"]
    assert [(worker["rank"], worker["rows"], worker["shard_hash"]) for worker in workers] == [
        (rank, len(shard), shard_hash(shard, "station_id")) for rank, shard in enumerate(shards)
    ]
    assert min(len(shard) for shard in shards) > 0
    assert os.getpid() not in {worker["process_id"] for worker in workers}
    for worker in workers:
        tag = run.data.tags[f"worker_{worker['rank']}"]
        assert tag == f"{worker['rows']} rows, process {worker['process_id']}, shard {worker['shard_hash'][:12]}"
    for curve in ("train/pinball", "validate/pinball"):
        points = client.get_metric_history(run.info.run_id, curve)
        assert [point.step for point in points] == list(range(len(points))) and len(points) > 5
        assert points[-1].value < points[0].value
    published = tables(settings, "mill")
    inputs = {i.dataset.name: json.loads(i.dataset.source) for i in run.inputs.dataset_inputs}
    assert inputs == {
        f"{name} v{published[name]['version']}": {
            "path": published[name]["path"],
            "delta_table_version": published[name]["version"],
        }
        for name in ("gold.mill_flow_m3s", "gold.mill_flows_series", "gold.mill_works_series")
    }
