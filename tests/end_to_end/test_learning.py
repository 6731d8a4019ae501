"""The whole way of a small domain, from raw files to what its decisions were worth, in one process with real MLflow."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import jupytext
import mlflow.pyfunc
import numpy as np
import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder, write_deltalake
from IPython.display import Image
from mlflow import MlflowClient
from mlflow.models import get_model_info

from pipelines import runner
from pipelines.cli import main
from pipelines.contracts.plan_text import read_plan
from pipelines.models.linear import Linear
from pipelines.runner.leakcheck import leakcheck
from pipelines.runner.reasons import Asked, reasons
from pipelines.runner.report import summary
from pipelines.runner.reproduce import reproduce
from pipelines.serve import pages
from pipelines.serve.notebooks import sources
from pipelines.stages.train import frame
from tests.house import loaded_by, overlay_on, query, tables, versions
from tests.mill import PLACE
from tests.toy_domains.mill.domain import DOMAIN as MILL


def test_the_way_ends_in_what_status_says(way):
    outcome = way[1]
    assert outcome.failures == {}
    flow, level = (outcome.status["domains"]["mill"]["tasks"][name] for name in ("flow_m3s", "level_m"))
    assert set(flow["runs"]) == {"seasonal_naive", "linear", "xgboost"}
    assert all(run["naive_mae"] == flow["runs"]["seasonal_naive"]["mae"] > 0 for run in flow["runs"].values())
    champion = {name: flow["champion"][name] for name in ("model", "version", "family")}
    assert champion == {"model": "mill-flow_m3s", "version": 1, "family": "linear"}
    # 7 cut-offs of 12 steps and 13 of 3 steps, two stations
    assert (flow["predictions"], level["predictions"]) == (168, 78)
    for task, rows in ((flow, 168), (level, 78)):
        decided = task["decisions"]
        assert (decided["rows"], decided["unit"], decided["higher_is_better"]) == (rows, "EUR", False)
        assert decided["foresight_value"] == 0.0 < min(decided["value"], decided["naive_value"])


def test_mlflow_holds_a_parent_and_a_child_a_family(mlflow_runs):
    _, parent, children = mlflow_runs
    assert parent.info.run_name == "run@2024-02-10T00:00Z"
    assert {family: run.info.run_name for family, run in children.items()} == {
        family: f"{family}@2024-02-10T00:00Z" for family in ("seasonal_naive", "linear", "xgboost")
    }
    for run in (parent, *children.values()):
        assert run.info.status == "FINISHED"
    assert {run.data.tags["mlflow.parentRunId"] for run in children.values()} == {parent.info.run_id}


def test_a_child_holds_parameters_metrics_curves_inputs_figures_and_a_signature(way, mlflow_runs):
    client, _, children = mlflow_runs
    run = children["xgboost"]
    assert (run.data.params["rounds"], run.data.params["engine"]) == ("20", "single")
    assert run.data.metrics["mae"] == way[1].status["domains"]["mill"]["tasks"]["flow_m3s"]["runs"]["xgboost"]["mae"]
    assert {"naive_mae", "skill", "coverage", "conformal/adaptive_coverage"} <= set(run.data.metrics)
    for curve in ("train/pinball", "validate/pinball"):
        assert len(client.get_metric_history(run.info.run_id, curve)) > 5
    published = tables(way[0], "mill")
    inputs = {json.loads(i.dataset.source)["path"]: json.loads(i.dataset.source) for i in run.inputs.dataset_inputs}
    assert {path: source["delta_table_version"] for path, source in inputs.items()} == {
        published[name]["path"]: published[name]["version"]
        for name in ("gold.mill_flow_m3s", "gold.mill_flows_series", "gold.mill_works_series")
    }
    figures = {Path(file.path).stem for file in client.list_artifacts(run.info.run_id, "figures")}
    drawn = {"forecast", "residuals", "error_by_step", "metrics_by_slice", "coverage_over_time"}
    explained = {"permutation_importance", "partial_dependence", "contributions"}
    assert figures == drawn | explained | {"importance", "learning_curves"}
    model = get_model_info(run.data.tags["headrace.model_uri"])
    assert {"station_id", "cut_at", "flow_m3s__mean_24h"} <= set(model.signature.inputs.input_names())
    assert model.signature.outputs.input_names()[-3:] == ["q10", "q50", "q90"]


def test_every_metric_is_made_of_the_published_backtest(way, mlflow_runs):
    client, _, children = mlflow_runs
    run = children["linear"]
    table = client.download_artifacts(run.info.run_id, "metrics_by_slice.csv")
    by_slice = {(row["slice"], row["group"]): row for row in csv.DictReader(Path(table).read_text().splitlines())}
    sql = "SELECT avg(abs(q50 - actual)) AS e FROM t WHERE family = 'linear' AND split = 'test'"
    ((mae,),) = query(way[0], "mill", "gold.mill_flow_m3s_backtest", sql)
    assert run.data.metrics["mae"] == pytest.approx(mae) == pytest.approx(float(by_slice["all", ""]["mae"]))
    assert run.data.metrics["interval/mae_low"] < mae < run.data.metrics["interval/mae_high"]
    assert 0.0 < run.data.metrics["mase"] < 1.0
    summed = "SELECT sum({}) AS v FROM t WHERE family = '{}' AND split = 'test'"
    (((value,),), ((naive,),)) = (
        query(way[0], "mill", "gold.mill_flow_m3s_backtest", summed.format(*of))
        for of in (("value", "linear"), ("naive_value", "seasonal_naive"))
    )
    assert run.data.metrics["worth/value"] == pytest.approx(value) == pytest.approx(float(by_slice["all", ""]["value"]))
    assert run.data.metrics["worth/naive_value"] == pytest.approx(naive)
    assert run.data.metrics["worth/value_minus_naive"] == pytest.approx(value - naive)
    assert run.data.tags["headrace.unit_of_worth"] == "EUR"
    for name, value, where in (("station_id", "b", "station_id = 'b'"), ("hour_of_day", "7", "hour_of_day = 7")):
        ((of_slice,),) = query(way[0], "mill", "gold.mill_flow_m3s_backtest", f"{sql} AND {where}")
        assert float(by_slice[name, value]["mae"]) == pytest.approx(of_slice)
    assert {"step", "station_id", "hour_of_day"} == {name for name, _ in by_slice} - {"all"}


def test_of_all_features_only_those_that_the_budget_kept_are_given_to_models(way, mlflow_runs):
    client, parent, children = mlflow_runs
    rows = csv.DictReader(Path(client.download_artifacts(parent.info.run_id, "selection.csv")).read_text().splitlines())
    why = {row["feature"]: row["why"] for row in rows}
    kept = {name for name, reason in why.items() if reason.startswith("kept")}
    declared = set(frame(MILL, MILL.task("flow_m3s")).features) - {"step"}
    assert len(kept) == 8 < len(declared) and set(why) == declared
    # neither is ever another number: asked at midnight, readings come every hour
    assert why["flow_m3s__count_24h"] == why["calendar__time_of_day"] == "constant"
    for family, run in children.items():
        inputs = set(get_model_info(run.data.tags["headrace.model_uri"]).signature.inputs.input_names())
        given = declared if family == "seasonal_naive" else kept
        assert inputs == {"station_id", "cut_at", "flow_m3s__history_24h"} | given
    assert "  models see 9 of" in summary(way[1].status, ["mill"])  # the step is the ninth


def test_families_are_cross_validated_where_folds_are_declared(way, mlflow_runs):
    client, _, _ = mlflow_runs
    of = client.get_experiment_by_name("/mill/level_m").experiment_id
    children = [run for run in client.search_runs([of]) if "family" in run.data.tags]
    assert {run.data.tags["family"] for run in children} == {"seasonal_naive", "linear"}
    mean = {}
    for run in children:
        points = client.get_metric_history(run.info.run_id, "folds/mae")
        values = [point.value for point in points]
        assert [point.step for point in points] == [1, 2, 3] and len(set(values)) == 3
        assert run.data.metrics["folds/mae_mean"] == pytest.approx(np.mean(values))
        assert run.data.metrics["folds/mae_std"] == pytest.approx(np.std(values, ddof=1))
        assert run.data.tags["headrace.split"] == "by time"
        mean[run.data.tags["family"]] = values
        of_folds = (
            "SELECT split, avg(abs(q50 - actual)) AS mae, count(hour_of_day) AS sliced FROM t "
            f"WHERE family = '{run.data.tags['family']}' AND split LIKE 'fold %' GROUP BY split ORDER BY split"
        )
        rows = query(way[0], "mill", "gold.mill_level_m_backtest", of_folds)
        assert [fold for fold, _, _ in rows] == ["fold 1", "fold 2", "fold 3"]
        assert [mae for _, mae, _ in rows] == pytest.approx(values) and all(sliced for _, _, sliced in rows)
    assert mean["linear"] != mean["seasonal_naive"]
    linear = next(run for run in children if run.data.tags["family"] == "linear")
    assert linear.data.metrics["folds/naive_mae_mean"] == pytest.approx(np.mean(mean["seasonal_naive"]))


def test_models_of_each_station_are_one_run_that_says_who_is_answered_by_which(way):
    client = MlflowClient(way[0].mlflow.tracking_uri)
    of = client.get_experiment_by_name("/mill/level_m").experiment_id
    by_family = {run.data.tags["family"]: run for run in client.search_runs([of]) if "family" in run.data.tags}
    run = by_family["linear"]
    assert by_family["seasonal_naive"].data.params["scope"] == "global"
    told = {name: run.data.params[name] for name in ("scope", "least_rows", "fallback", "engine")}
    assert told == {"scope": "per_entity", "least_rows": "30", "fallback": "pooled linear", "engine": "single"}
    counts = {name: run.data.metrics[f"entities/{name}"] for name in ("own", "too_few_rows", "unseen")}
    assert counts == {"own": 2, "too_few_rows": 0, "unseen": 0}

    def text(name: str) -> str:
        return Path(client.download_artifacts(run.info.run_id, name)).read_text()

    rows = list(csv.DictReader(text("entities.csv").splitlines()))
    assert [(row["station_id"], row["model"]) for row in rows] == [("a", "own"), ("b", "own")]
    assert np.mean([float(row["mae"]) for row in rows]) == pytest.approx(run.data.metrics["mae"])
    assert "2 of 2 station_id have a model of their own" in text("model_card.md")
    assert "figures/skill_by_entity.png" in {file.path for file in client.list_artifacts(run.info.run_id, "figures")}
    logged = mlflow.pyfunc.load_model(run.data.tags["headrace.model_uri"])
    assert len(logged.predict(logged.input_example)) == 3 * len(logged.input_example)


def test_the_champion_is_an_alias_that_says_why(way, mlflow_runs):
    client, _, children = mlflow_runs
    version = client.get_model_version_by_alias("mill-flow_m3s", "champion")
    assert (int(version.version), version.run_id) == (1, children["linear"].info.run_id)
    assert version.tags["headrace.why"] == way[1].status["domains"]["mill"]["tasks"]["flow_m3s"]["champion"]["why"]
    metrics = client.get_run(version.run_id).data.metrics
    assert metrics["decision/value"] > 0
    assert metrics["cost/score_seconds"] > 0 and metrics["cost/decide_core_seconds"] > 0
    assert metrics["effect/gain"] == pytest.approx(metrics["decision/naive_value"] - metrics["decision/value"])
    assert metrics["effect/gain_low"] <= metrics["effect/gain"] <= metrics["effect/gain_high"]


def test_what_the_decisions_changed_is_told_against_the_naive_policy(way, capsys):
    overlay = overlay_on(Path(way[0].root).parent, **PLACE)
    assert main(["effect", "--domain", "mill", "--conf", str(overlay)]) == 0
    said = capsys.readouterr().out
    gain = way[1].status["domains"]["mill"]["tasks"]["flow_m3s"]["decisions"]
    assert f"a gain of {gain['naive_value'] - gain['value']:+,.0f} " in said
    assert "mill/flow_m3s: " in said and "mill/level_m: " in said and "19 in 20 between" in said


def test_why_a_decision_was_taken_is_told_feature_by_feature(way, capsys):
    settings = way[0]
    whole = reasons(settings, Asked("mill", "flow_m3s", (), None, 100))
    assert (whole.among, whole.unit, whole.entity, whole.has_times) == (24, "m³/s", "station_id", True)
    by_step = {(reason.step, reason.entity): reason for reason in whole.reasons}
    assert len(by_step) == 24
    for step in range(1, 13):
        # the model's average and the interval's shift are the same for both, so the parts make the difference
        a, b = (by_step[step, station] for station in ("a", "b"))
        parts = [sum(part.part for part in reason.parts) for reason in (a, b)]
        assert a.now is None and b.now is None
        assert b.prediction - a.prediction == pytest.approx(parts[1] - parts[0])
        assert [abs(part.part) for part in a.parts] == sorted((abs(part.part) for part in a.parts), reverse=True)
    sql = f"SELECT grind_m3s FROM t WHERE station_id = 'b' AND step = 7 AND cut_at = '{whole.reasons[0].cut_at}'"
    assert query(settings, "mill", "gold.mill_flow_m3s_decisions", sql) == [(by_step[7, "b"].action,)]
    overlay = str(overlay_on(Path(settings.root).parent, **PLACE))
    asked = ["why", "--domain", "mill", "--task", "flow_m3s", "--conf", overlay]
    assert main([*asked, "--entity", "b", "--cut-at", "2024-02-05T00:00", "--rows", "2"]) == 0
    said = capsys.readouterr().out
    assert "12 decisions of grind at 2024-02-05T00:00Z by mill-flow_m3s/1 (linear), of which 2 here" in said
    assert said.count("station_id b, step ") == 2 and "  raised by " in said and "  lowered by " in said
    assert main([*asked, "--entity", "c"]) == 2
    assert "no decision about station_id c" in capsys.readouterr().err
    assert main([*asked, "--cut-at", "2031-01-01"]) == 2
    assert "They are from 2024-02-0" in capsys.readouterr().err


def test_predictions_decisions_and_their_worth_are_tables(way):
    found = tables(way[0], "mill")
    rows = {name: found[f"gold.mill_{name}"]["rows"] for name in ("flow_m3s_predictions", "flow_m3s_decisions")}
    assert rows == {"flow_m3s_predictions": 168, "flow_m3s_decisions": 168}
    # the last cut-off is the as-of instant itself: none of its labels is known
    assert found["gold.mill_flow_m3s_realised"]["rows"] == 144
    assert found["gold.mill_level_m_realised"]["rows"] == 78
    sql = "SELECT count(*) AS n FROM t WHERE q10 <= q50 AND q50 <= q90 AND baseline IS NOT NULL"
    assert query(way[0], "mill", "gold.mill_flow_m3s_predictions", sql) == [(168,)]
    sql = "SELECT count(DISTINCT decision_id) AS n FROM t"
    assert query(way[0], "mill", "gold.mill_flow_m3s_decisions", sql) == [(168,)]
    sql = "SELECT sum(value) AS v, sum(2 * abs(grind_m3s - actual)) AS w FROM t"
    ((value, again),) = query(way[0], "mill", "gold.mill_flow_m3s_realised", sql)
    decided = way[1].status["domains"]["mill"]["tasks"]["flow_m3s"]["decisions"]
    assert value == pytest.approx(again) == pytest.approx(decided["value"])


def test_what_was_learned_from_has_no_leak(way):
    found = leakcheck(way[0], ["mill"], [], instants=2)
    assert (found.failures, [(of.task, of.leaks) for of in found.checked]) == (
        {},
        [("mill/flow_m3s", ()), ("mill/level_m", ())],
    )
    assert all(of.rows > 10 and of.best for of in found.checked)


def test_each_decision_is_delivered_once(way):
    files = sorted(way[0].outbox.path.rglob("*.jsonl"))
    assert len(files) == 7 + 13
    lines = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert len(lines) == len({line["decision_id"] for line in lines}) == 168 + 78


def test_the_analysts_notebooks_read_what_the_run_left(way, monkeypatch):
    """Their cells, in this process; tests/notebooks carries them out as a person does, on made-up rows."""
    shown: list[object] = []
    monkeypatch.setattr(pages, "display", shown.append)
    monkeypatch.setenv("HEADRACE_CONF", str(overlay_on(Path(way[0].root).parent, **PLACE)))
    pictures = {}
    for source in sources():
        names: dict[str, object] = {}
        for cell in jupytext.read(source).cells:
            if cell.cell_type == "code":
                exec(cell.source, names)
        pictures[source.stem] = sum(isinstance(one, Image) for one in shown)
        shown.clear()
    # 01: 3 tables' spread; of each of 2 labels course, features, correlations. 02: gain, error by step; curves of one
    assert pictures == {"01_data_profile": 3 + 2 * 3, "02_model_comparison": 2 * 2 + 1, "03_decision_value": 2 * 3}


def test_a_second_run_finds_nothing_to_do_and_says_so(way, mlflow_runs, capsys):
    settings, first = way
    before = versions(settings, "mill")
    delivered = {file: file.stat().st_mtime_ns for file in settings.outbox.path.rglob("*.jsonl")}
    again = runner.run(settings, names=["mill"])
    assert (again.failures, again.used_spark, again.status) == ({}, False, first.status)
    assert versions(settings, "mill") == before
    assert {file: file.stat().st_mtime_ns for file in settings.outbox.path.rglob("*.jsonl")} == delivered
    client, parent, children = mlflow_runs
    assert len(client.search_runs([parent.info.experiment_id])) == 1 + len(children)
    said = capsys.readouterr().out
    for stage in ("train", "evaluate", "register", "score", "decide", "observe"):
        assert f"{stage:<9} flow_m3s: nothing to do" in said
    assert "nothing to deliver" in said


def test_a_run_with_nothing_to_do_loads_no_library_that_does_the_work(way):
    """Beyond what tells which families there are, where the tables they would be fitted on lie, and for the engine
    `auto` how many rows these have."""
    overlay = overlay_on(Path(way[0].root).parent, **PLACE)
    printed, loaded = loaded_by("run", "--domain", "mill", "--conf", overlay)
    assert "without starting Spark" in printed
    assert loaded == "0 deltalake numpy pandas pyarrow\n"


def test_a_fits_record_holds_its_plan_environment_card_machine_and_costs(way, mlflow_runs):
    client, parent, children = mlflow_runs
    run = children["xgboost"]
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"plan.json", "environment.json", "model_card.md", "workers.json", "importance.json"} <= files

    def text(name: str) -> str:
        return Path(client.download_artifacts(run.info.run_id, name)).read_text()

    plan = read_plan(text("plan.json"))
    assert (plan.key, plan.family) == (run.data.tags["headrace.fit_key"], "xgboost")
    made_with = json.loads(text("environment.json"))
    assert made_with["code"] == run.data.tags["mlflow.source.git.commit"]
    assert len(made_with["lock_sha256"]) == 64 and made_with["libraries"]["xgboost"] == "3.2.0"
    card = text("model_card.md")
    for told in ("Owner: millers", "`gold.mill_flow_m3s`", "fitted on", "| mae |", "seasonal_naive", "## Limits"):
        assert told in card, told
    assert run.data.tags["mlflow.note.content"] == card
    metrics = run.data.metrics
    assert (
        0 < metrics["system/system_memory_usage_percentage"] <= 100 and "system/cpu_utilization_percentage" in metrics
    )
    for stage in ("train", "evaluate"):
        assert metrics[f"cost/{stage}_seconds"] > 0 and metrics[f"cost/{stage}_core_seconds"] > 0
        assert metrics[f"cost/{stage}_bytes_read"] > 0 and f"cost/{stage}_price" not in metrics
    assert parent.data.metrics["cost/train_seconds"] > metrics["cost/train_seconds"]
    assert all(parent.data.metrics[f"cost/{stage}_core_seconds"] > 0 for stage in ("bronze", "silver", "gold"))


def test_time_is_estimated_from_what_was_measured(way, capsys):
    overlay = overlay_on(Path(way[0].root).parent, **PLACE)
    assert main(["estimate", "--task", "flow_m3s", "--domain", "mill", "--conf", str(overlay)]) == 0
    told = capsys.readouterr().out
    lines = {line.split()[1]: line for line in told.splitlines() if line.strip().startswith("mill/")}
    assert set(lines) == {"seasonal_naive", "linear", "xgboost"}
    assert all("within a factor of" in line and "measured fit" in line for line in lines.values())
    assert main(["estimate", "--task", "depth", "--conf", str(overlay)]) == 2


def test_a_fit_is_made_again_from_its_record_whatever_came_since(way, mlflow_runs, capsys):
    _, _, children = mlflow_runs
    overlay = str(overlay_on(Path(way[0].root).parent, **PLACE))
    pin = tables(way[0], "mill")["gold.mill_flow_m3s"]
    held = DeltaTable(pin["path"], version=pin["version"])
    write_deltalake(pin["path"], pa.table(QueryBuilder().register("t", held).execute("SELECT * FROM t")), mode="append")
    assert DeltaTable(pin["path"]).version() > pin["version"]
    for family in ("linear", "xgboost"):
        assert main(["reproduce", children[family].info.run_id, "--conf", overlay]) == 0
        assert f"{family}: the same bytes, sha256 " in capsys.readouterr().out
    file = Path(held.file_uris()[0].removeprefix("file://"))
    aside = file.rename(file.with_suffix(".aside"))
    try:
        assert main(["reproduce", children["linear"].data.tags["headrace.run_id"], "--conf", overlay]) == 1
        told = capsys.readouterr().err
        assert "gold.mill_flow_m3s: 1 of the" in told and f"version {pin['version']} are gone: vacuum" in told
    finally:
        aside.rename(file)
    assert main(["reproduce", "nobody", "--conf", overlay]) == 1
    assert "MLflow" in capsys.readouterr().err


def test_a_fit_that_comes_out_otherwise_is_told_by_its_metrics(way, mlflow_runs, capsys, monkeypatch):
    """The code that fits has changed since: first in the text of its models alone, then in what these answer."""
    settings, run = way[0], mlflow_runs[2]["linear"]
    fit_as_it_is = Linear.fit

    def spaced(family, train, validate, plan, recorder):
        result = fit_as_it_is(family, train, validate, plan, recorder)
        return replace(result, model=result.model + b" ")

    monkeypatch.setattr(Linear, "fit", spaced)
    again = reproduce(settings, run.info.run_id)
    assert not again.is_same
    assert {"mae", "rmse", "pinball", "coverage"} <= set(again.differences)
    for name, (recorded, now) in again.differences.items():
        assert (recorded, now) == (run.data.metrics[name], pytest.approx(recorded)), name

    def held_back(family, train, validate, plan, recorder):
        return fit_as_it_is(family, train, validate, replace(plan, params={"ridge": 100.0}), recorder)

    monkeypatch.setattr(Linear, "fit", held_back)
    overlay = str(overlay_on(Path(settings.root).parent, **PLACE))
    assert main(["reproduce", run.info.run_id, "--conf", overlay]) == 1
    told = capsys.readouterr().out
    assert "linear: other bytes: sha256 " in told
    (line,) = [line for line in told.splitlines() if line.startswith("  mae: ")]
    now, recorded, apart = re.fullmatch(r"  mae: (\S+), recorded (\S+), \+(\S+)", line).groups()
    assert float(recorded) == pytest.approx(run.data.metrics["mae"], rel=1e-5)
    assert float(now) > 1.1 * float(recorded) and float(apart) == pytest.approx(float(now) - float(recorded), rel=1e-2)
