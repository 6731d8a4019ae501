"""Accounts of which some will not be paid: how models treat genders and schoolings is told, and keeps them out."""

from __future__ import annotations

import csv
from collections.abc import Iterator

import pytest
from deltalake import DeltaTable
from mlflow import MlflowClient
from mlflow.artifacts import load_text

from pipelines import runner
from pipelines.io.ledger import Ledger
from tests.house import settings_on, tables
from tests.reference import deliver, reference, reference_domains

pytestmark = pytest.mark.slow

STAGES = ("land", "bronze", "silver", "gold", "train", "evaluate", "register")
SINGLE = {"training": {"workers": 1, "engines": dict.fromkeys(("logistic", "random_forest", "xgboost"), "single")}}
RATES = ("selection_rate", "true_positive_rate", "false_positive_rate", "calibration_error")


@pytest.fixture(scope="module", autouse=True)
def declared() -> Iterator[None]:
    with reference_domains():
        yield


@pytest.fixture(scope="module")
def judged(spark, tmp_path_factory):
    """The settings, and what one run up to the verdict came to."""
    settings = settings_on(tmp_path_factory.mktemp("accounts"), **SINGLE)
    file = reference("finance/uci_default") / "UCI_Credit_Card.csv.gz"
    deliver(settings, "uci_default", {"accounts/2005-10-01.csv.gz": file.read_bytes()})
    return settings, runner.run(settings, names=["uci_default"], stages=STAGES)


def family_runs(settings):
    """MLflow's runs of the task by family."""
    client = MlflowClient(settings.mlflow.tracking_uri)
    experiment = client.get_experiment_by_name("/uci_default/is_default")
    found = client.search_runs([experiment.experiment_id])
    return {run.data.tags["family"]: run for run in found if "family" in run.data.tags}


def test_rates_of_every_group_are_in_mlflow_and_are_those_of_the_backtest(judged):
    settings, outcome = judged
    assert outcome.failures == {}
    client, run = MlflowClient(settings.mlflow.tracking_uri), family_runs(settings)["xgboost"]
    lines = load_text(f"{run.info.artifact_uri}/fairness.csv").splitlines()
    told = {(row["column"], row["group"]): row for row in csv.DictReader(lines)}
    assert {group for column, group in told if column == "gender"} == {"1", "2"}
    assert {group for column, group in told if column == "education"} >= {"1", "2", "3"}
    held = tables(settings, "uci_default")["gold.uci_default_is_default_backtest"]
    rows = DeltaTable(held["path"], version=held["version"]).to_pandas()
    rows = rows[(rows["family"] == "xgboost") & (rows["split"] == "test")]
    by_gender = rows.groupby("gender")["actual"].agg(["size", "mean"])
    for group in ("1", "2"):
        of = told["gender", group]
        assert int(of["rows"]) == by_gender.loc[group, "size"]
        assert float(of["base_rate"]) == pytest.approx(by_gender.loc[group, "mean"])
    one, other = (float(told["gender", group]["selection_rate"]) for group in ("1", "2"))
    metrics = run.data.metrics
    assert metrics["fairness/gender/selection_rate_gap"] == pytest.approx(abs(one - other))
    assert {f"gate/fairness/{of}/{rate}_gap" for of in ("gender", "education") for rate in RATES} <= set(metrics)
    assert "figures/fairness.png" in {file.path for file in client.list_artifacts(run.info.run_id, "figures")}


def test_a_declared_gap_keeps_every_family_from_promotion_that_exceeds_it(judged):
    settings, _ = judged
    gap = {
        family: run.data.metrics["gate/fairness/education/selection_rate_gap"]
        for family, run in family_runs(settings).items()
    }
    assert gap["constant"] == pytest.approx(0.0, abs=1e-9)  # who tells all alike picks all alike
    assert all(gap[family] > 0.01 for family in ("logistic", "random_forest", "xgboost"))
    assert Ledger(settings.ledger).champions("uci_default", "is_default") == []
