"""Trees without dates: what a budget of features drops reaches no model, and a split by hash is said in the run."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.models import get_model_info

from pipelines import runner
from pipelines.runner.report import summary
from tests.found_domains import found_in
from tests.house import drop, query, settings_on

PLACE = {"training": {"workers": 1, "engines": {"xgboost": "single"}}}
TREES = 1_500
DOMAIN = """
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import FeatureView, Own
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByHash, Classify, Events, Promote, Select, Share

NUMBERS = ("height_m", "girth_m", "girth_cm", "twin_m", "species", "luck", "tag")
DOMAIN = Domain(
    name="orchard",
    owner="gardeners",
    question="Which trees will bear?",
    sources=(Source("trees", format="csv"),),
    tables=(
        Table(
            "trees",
            source="trees",
            key=("tree_id",),
            columns=(Column("tree_id", "string"), *[Column(name, "double") for name in NUMBERS]),
        ),
        Table(
            "harvests",
            source="trees",
            key=("tree_id",),
            columns=(Column("tree_id", "string"), Column("bears", "int")),
        ),
    ),
    views=(FeatureView("tree", table="trees", entity="tree_id", features=tuple(Own(name) for name in NUMBERS)),),
    tasks=(
        Classify(
            column="bears",
            table="harvests",
            spine=Events("trees", entity="tree_id"),
            views=("tree",),
            families=("constant", "logistic", "xgboost"),
            split=ByHash(Share(0.0, 0.5), Share(0.5, 0.6), Share(0.6, 0.8), Share(0.8, 1.0)),
            select=Select(budget=2),
            promote=Promote("log_loss", must_beat="constant", by=0.0),
            decide="nobody",
        ),
    ),
)
"""
POLICY = """
from pyspark.sql import functions as F

from pipelines.contracts.policies import Picking

NOBODY = Picking(
    name="nobody",
    action="is_picked",
    unit="EUR",
    needs=("species__own",),
    worth=lambda bears, needs: bears,
    value=lambda bears, needs: bears,
    uses=lambda needs: F.lit(1.0),
    limit=10.0,
    doc="Pick ten; asks for a feature that no model sees.",
)
"""


def trees() -> str:
    """Tall trees bear, and thick ones do; a girth is told twice, once with an error of the tape; all are one species,
    and the tag was hung on those that bore."""
    draw = np.random.default_rng(8)
    height, girth, luck = draw.normal(5, 1, TREES), draw.normal(1, 0.2, TREES), draw.random(TREES)
    odds = 2.0 * (height - 5) + 8.0 * (girth - 1)
    bears = (draw.random(TREES) < 1 / (1 + np.exp(-odds))).astype(int)
    told = {
        "height_m": height,
        "girth_m": girth,
        "girth_cm": girth * 100 + draw.normal(0, 3, TREES),
        "twin_m": girth,
        "species": np.full(TREES, 4.0),
        "luck": luck,
        "tag": bears * 1.0,
        "bears": bears,
    }
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(["tree_id", *told])
    lines.writerows([f"t{n:04d}", *row] for n, row in enumerate(zip(*[c.tolist() for c in told.values()], strict=True)))
    return text.getvalue()


@pytest.fixture(scope="module")
def orchard(spark, tmp_path_factory):
    """The settings, what one run came to, what it printed, and the runs of the task in MLflow."""
    folder: Path = tmp_path_factory.mktemp("domains") / "orchard"
    folder.mkdir()
    for name, text in (("__init__", ""), ("domain", DOMAIN), ("decide", POLICY)):
        (folder / f"{name}.py").write_text(text)
    settings = settings_on(tmp_path_factory.mktemp("orchard"), **PLACE)
    drop(settings, "orchard", {"trees/2024-03-01.csv": trees()})
    with found_in(folder.parent):
        yield settings, runner.run(settings, names=["orchard"])


@pytest.fixture(scope="module")
def runs(orchard):
    client = MlflowClient(orchard[0].mlflow.tracking_uri)
    found = client.search_runs([client.get_experiment_by_name("/orchard/bears").experiment_id])
    return client, {run.data.tags.get("family", "parent"): run for run in found}


def test_what_is_dropped_reaches_no_model(orchard, runs):
    assert orchard[1].failures == {}
    _, of = runs
    inputs = {
        family: set(get_model_info(of[family].data.tags["headrace.model_uri"]).signature.inputs.input_names())
        for family in ("constant", "logistic", "xgboost")
    }
    kept = {"tree_id", "cut_at", "height_m__own", "girth_m__own"}
    assert inputs["logistic"] == inputs["xgboost"] == kept
    assert kept < inputs["constant"] and "luck__own" in inputs["constant"]  # the baseline is as it was declared
    for family in ("logistic", "xgboost"):
        assert of[family].data.params["features"] == "2"
        assert (of[family].data.metrics["features_given"], of[family].data.metrics["features_declared"]) == (2, 7)


def test_the_run_holds_a_table_of_reasons_and_its_picture(runs):
    client, of = runs
    parent = of["parent"].info.run_id
    file = client.download_artifacts(parent, "selection.csv")
    why = {row["feature"]: row["why"] for row in csv.DictReader(Path(file).read_text().splitlines())}
    assert list(why)[:2] == ["height_m__own", "girth_m__own"]
    assert why.pop("girth_cm__own").startswith("beyond the budget of 2; girth_m__own tells ")
    assert why == {
        "height_m__own": "kept",
        "girth_m__own": "kept",
        "luck__own": "useless: tells nothing, alone or with others",
        "tag__own": "too good: by its values alone (1.000); is it the answer?",
        "twin_m__own": "copy of girth_m__own",
        "species__own": "constant",
    }
    assert [file.path for file in client.list_artifacts(parent, "figures")] == ["figures/selection.png"]


def test_what_is_kept_is_enough_to_score_and_to_decide_by_what_is_not(orchard):
    settings, outcome = orchard
    task = outcome.status["domains"]["orchard"]["tasks"]["bears"]
    assert task["champion"]["family"] in ("logistic", "xgboost")
    (counted,) = query(settings, "orchard", "gold.orchard_bears_predictions", "SELECT count(*) AS n FROM t")
    assert counted == (task["predictions"],) and task["predictions"] > 200
    assert task["decisions"]["value"] >= 8


def test_budget_and_split_are_said(orchard, runs):
    _, outcome = orchard
    assert "  models see 2 of 7 features" in summary(outcome.status, ["orchard"]).splitlines()
    for run in runs[1].values():
        assert run.data.tags["headrace.split"] == "by hash: its figures say nothing about a future"


def test_a_second_run_picks_nothing_anew(orchard):
    settings, first = orchard
    kept = {file: file.stat().st_mtime_ns for file in Path(settings.root).rglob("selection-*.json")}
    assert len(kept) == 1
    again = runner.run(settings, names=["orchard"])
    assert (again.failures, again.used_spark, again.status) == ({}, False, first.status)
    assert {file: file.stat().st_mtime_ns for file in Path(settings.root).rglob("selection-*.json")} == kept
