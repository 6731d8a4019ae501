"""What several files of tests look at: a house that took in all hand-written deliveries, and a run of the mill."""

from __future__ import annotations

import pytest
from mlflow import MlflowClient

from pipelines import runner
from tests.end_to_end.deliveries import DELIVERIES
from tests.house import drop, settings_on, tables, toys_found
from tests.mill import PLACE, raw_files

TO_SILVER, TO_GOLD = ("land", "bronze", "silver"), ("land", "bronze", "silver", "gold")
STAGES = {"first": TO_SILVER, "corrected": TO_SILVER, "recreated": TO_SILVER, "old and odd": TO_GOLD}


@pytest.fixture(scope="session")
def house(spark, tmp_path_factory):
    """Its settings, and the tables that stood published after each delivery."""
    settings, after = settings_on(tmp_path_factory.mktemp("deliveries")), {}
    for name, files in DELIVERIES.items():
        drop(settings, "energy", files)
        assert runner.run(settings, names=["energy"], stages=STAGES[name]).failures == {}
        after[name] = tables(settings, "energy")
    return settings, after


@pytest.fixture(scope="module")
def mill():
    with toys_found():
        yield


@pytest.fixture(scope="module")
def way(spark, mill, tmp_path_factory):
    """The settings, and what one run of all stages came to."""
    settings = settings_on(tmp_path_factory.mktemp("mill"), **PLACE)
    drop(settings, "mill", raw_files())
    return settings, runner.run(settings, names=["mill"])


@pytest.fixture(scope="module")
def mlflow_runs(way):
    """The runs of the flow task: the parent, and its children by family."""
    client = MlflowClient(way[0].mlflow.tracking_uri)
    experiment = client.get_experiment_by_name("/mill/flow_m3s")
    runs = client.search_runs([experiment.experiment_id])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    children = {run.data.tags["family"]: run for run in runs if "mlflow.parentRunId" in run.data.tags}
    assert len(parents) == 1 and len(runs) == 1 + len(children)
    return client, parents[0], children
