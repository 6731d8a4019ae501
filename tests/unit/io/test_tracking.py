"""What MLflow is told of a fit, and what comes back: a real store, a real model, tampered bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from matplotlib.figure import Figure
from tiny_gold import day, plan_for, write_gold

from pipelines.contracts.fits import Calibration, CurvePoint, FitPlan, FitResult, WorkerRecord, Workspace
from pipelines.contracts.tasks import Span
from pipelines.contracts.usage import Sample
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.io.failures import TrackingError
from pipelines.io.mlflow_shapes import pandas_input, signature
from pipelines.io.registry import Registry
from pipelines.io.run_records import FitReport, LearnReport, Note, TableRead
from pipelines.io.spool import Spool
from pipelines.io.tracking import LoggedFit, Tracking
from pipelines.models.base import families
from pipelines.settings import Settings, load
from pipelines.transforms.intervals import shifted

AS_OF = datetime(2024, 2, 9, 0, 30, tzinfo=UTC)
CALIBRATION = Calibration({0.1: -2.5, 0.5: 0.0, 0.9: 3.25}, "days 29 to 32")


def settings_in(folder: Path) -> Settings:
    settings = load(None)
    uri = f"sqlite:///{folder}/store/mlflow.db"
    return replace(settings, mlflow=replace(settings.mlflow, tracking_uri=uri, artifacts=f"{folder}/artifacts"))


def report_of(plan: FitPlan, result: FitResult) -> FitReport:
    examples = examples_of(plan, Span(day(34), day(36))).drop(["label"])
    predictions = shifted(families()[plan.family].scorer(result.model).predict(examples), CALIBRATION)
    picture = Figure()
    picture.add_subplot().plot([1, 2])
    return FitReport(
        id="fit-1",
        parent="run-1",
        as_of=AS_OF,
        plan=plan,
        result=result,
        calibration=CALIBRATION,
        metrics={"mae": 7.5, "naive_mae": 10.0, "mae/step=1": 6.0},
        tables=[TableRead("gold.tiny_load", "/data/load", 3, 1920), TableRead("gold.new", "/data/new", 0, 5)],
        example=examples,
        prediction=predictions,
        samples=[Sample(1000, {"system/cpu_utilization_percentage": 50.0}), Sample(2000, {})],
        figures={"forecast": picture},
        documents={"model_card.md": "# tiny"},
    )


@dataclass(frozen=True)
class Store:
    folder: Path
    tracking: Tracking
    registry: Registry
    client: Any
    report: FitReport
    logged: LoggedFit
    spool: Spool

    def log_all(self) -> None:
        for entry in self.spool.entries():
            self.tracking.log(entry.folder)

    def run(self, id: str) -> Any:
        ids = [of.experiment_id for of in self.client.search_experiments()]
        (found,) = self.client.search_runs(ids, f"tags.`headrace.run_id` = '{id}'")
        return found


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One logged fit: XGBoost with its real bytes, and curves long enough for two batches."""
    import mlflow

    folder = tmp_path_factory.mktemp("tracking")
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    settings = settings_in(folder)
    tracking = Tracking(settings)
    workspace = Workspace(folder / "work")
    workspace.path.mkdir()
    plan = replace(plan_for("xgboost", write_gold(folder), rounds=5), precision="bfloat16", compression="fp16")
    result = replace(
        fit(plan, workspace, None, FileRecorder(workspace)),
        curves=tuple(CurvePoint("validate/pinball", step, 1.0 / (step + 1)) for step in range(1500)),
        workers=(WorkerRecord(0, 41, 300, "aaa0"), WorkerRecord(1, 42, 299, "bbb1")),
    )
    report = report_of(plan, result)
    spool = Spool(folder / "spool")
    spool.add(1, LearnReport("run-1", "tiny", "load_mw", AS_OF, {"value": 12.0}).write)
    spool.add(1, report.write)
    for entry in spool.entries():
        tracking.log(entry.folder)
    client = mlflow.MlflowClient(settings.mlflow.tracking_uri)
    yield Store(folder, tracking, Registry(settings), client, report, tracking.logged("fit-1"), spool)
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


def test_a_fit_is_a_child_of_its_run(store: Store) -> None:
    parent, child = store.run("run-1"), store.run("fit-1")
    assert store.client.get_experiment(parent.info.experiment_id).name == "/tiny/load_mw"
    assert (parent.info.run_name, child.info.run_name) == ("run@2024-02-09T00:30Z", "xgboost@2024-02-09T00:30Z")
    assert (parent.info.status, child.info.status) == ("FINISHED", "FINISHED")
    assert child.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert child.data.tags["headrace.fit_key"] == store.report.plan.key
    assert parent.data.metrics == {"value": 12.0}


def test_every_experiment_keeps_its_artifacts_where_conf_says(store: Store) -> None:
    places = {experiment.name: experiment.artifact_location for experiment in store.client.search_experiments()}
    assert places == {
        "Default": f"{store.folder}/artifacts/0",
        "/tiny/load_mw": f"{store.folder}/artifacts/tiny/load_mw",
    }


def test_metrics_parameters_and_whole_curves_are_kept(store: Store) -> None:
    run = store.client.get_run(store.logged.mlflow_run_id)
    metrics = {name: value for name, value in run.data.metrics.items() if not name.startswith("system/")}
    assert metrics.pop("validate/pinball") == 1.0 / 1500
    assert metrics == {"mae": 7.5, "naive_mae": 10.0, "mae/step_1": 6.0}
    assert (run.data.params["rounds"], run.data.params["engine"], run.data.params["seed"]) == ("5", "single", "7")
    assert (run.data.params["precision"], run.data.params["compression"]) == ("bfloat16", "fp16")
    assert run.data.params["train_span"] == "2024-01-09T00:00Z – 2024-01-29T00:00Z"
    curve = store.client.get_metric_history(store.logged.mlflow_run_id, "validate/pinball")
    assert [point.step for point in curve] == list(range(1500))


def test_the_tables_are_inputs_at_their_versions_with_their_rows(store: Store) -> None:
    inputs = store.client.get_run(store.logged.mlflow_run_id).inputs.dataset_inputs
    kept = sorted((i.dataset.name, i.dataset.source_type, i.dataset.source, i.dataset.profile) for i in inputs)
    assert kept == [
        ("gold.new v0", "delta_table", '{"path": "/data/new", "delta_table_version": 0}', '{"num_rows": 5}'),
        ("gold.tiny_load v3", "delta_table", '{"path": "/data/load", "delta_table_version": 3}', '{"num_rows": 1920}'),
    ]


def test_workers_importance_and_figures_are_artifacts(store: Store) -> None:
    from mlflow.artifacts import load_dict

    uri = f"runs:/{store.logged.mlflow_run_id}"
    assert [worker["process_id"] for worker in load_dict(f"{uri}/workers.json")["workers"]] == [41, 42]
    assert store.client.get_run(store.logged.mlflow_run_id).data.tags["worker_1"] == "299 rows, process 42, shard bbb1"
    assert set(load_dict(f"{uri}/importance.json")) == set(store.report.plan.frame.features)
    pictures = [file.path for file in store.client.list_artifacts(store.logged.mlflow_run_id, "figures")]
    assert pictures == ["figures/forecast.png"]


def test_mlflow_loads_the_model_without_pickle_and_predicts_the_same(store: Store) -> None:
    import mlflow
    from mlflow.artifacts import download_artifacts

    folder = Path(download_artifacts(artifact_uri=store.logged.model_uri))
    assert not [path for path in folder.rglob("*") if path.suffix in (".pkl", ".pickle", ".cloudpickle")]
    loaded = mlflow.pyfunc.load_model(store.logged.model_uri)
    example = loaded.input_example
    predicted = loaded.predict(example)
    assert list(predicted.columns) == ["region_id", "cut_at", "step", "target_at", "q10", "q50", "q90"]
    assert predicted["q90"].tolist() == store.report.prediction["q90"].to_pylist()
    assert predicted["target_at"][1].isoformat() == "2024-02-04T01:00:00"
    signature = loaded.metadata.signature
    assert str(signature.inputs.input_dict()["load_mw__lag_24h"].type) == "Array(double)"
    assert str(signature.outputs.input_dict()["cut_at"].type) == "DataType.datetime"


def test_registering_gives_one_version_a_fit_and_the_alias(store: Store) -> None:
    first = store.registry.register(store.logged, "tiny-load_mw", {"why": "least mae"})
    again = store.registry.register(store.logged, "tiny-load_mw", {"why": "least mae"})
    assert (first, again) == (1, 1)
    store.registry.point_alias("tiny-load_mw", "champion", first)
    version = store.client.get_model_version_by_alias("tiny-load_mw", "champion")
    assert (int(version.version), version.tags["why"], version.run_id) == (1, "least mae", store.logged.mlflow_run_id)


def test_an_alias_is_put_back_where_the_ledger_has_it(store: Store) -> None:
    name = "tiny-alias"
    store.registry.register(store.logged, name, {})
    assert store.registry.point_alias(name, "champion", 1) is True
    assert store.registry.point_alias(name, "champion", 1) is False
    store.client.delete_registered_model_alias(name, "champion")
    assert store.registry.point_alias(name, "champion", 1) is True
    assert int(store.client.get_model_version_by_alias(name, "champion").version) == 1
    with pytest.raises(TrackingError, match="cannot point tiny-alias@champion to version 9"):
        store.registry.point_alias(name, "champion", 9)


def test_a_registered_model_comes_back_as_its_bytes_and_card(store: Store) -> None:
    store.registry.register(store.logged, "tiny-back", {})
    store.registry.point_alias("tiny-back", "champion", 1)
    for which in (1, "champion"):
        model, card = store.registry.load("tiny-back", which)
        assert model == store.report.result.model
        assert (card.family, card.quantiles, card.calibration) == ("xgboost", (0.1, 0.5, 0.9), CALIBRATION)
    with pytest.raises(TrackingError, match="cannot load tiny-back 7: "):
        store.registry.load("tiny-back", 7)


def test_tampered_bytes_are_refused(store: Store) -> None:
    import mlflow

    store.registry.register(store.logged, "tiny-tampered", {})
    store.registry.point_alias("tiny-tampered", "champion", 1)
    (model,) = store.folder.glob("artifacts/**/model.ubj")
    (card,) = store.folder.glob("artifacts/**/artifacts/headrace.json")
    bytes_before, card_before = model.read_bytes(), card.read_text()
    try:
        model.write_bytes(bytes_before[:-1] + b"!")
        message = "cannot trust tiny-tampered version 1: model.ubj has sha256"
        with pytest.raises(TrackingError, match=message):
            store.registry.load("tiny-tampered", "champion")
        with pytest.raises(Exception, match="it was changed"):
            mlflow.pyfunc.load_model(store.logged.model_uri)
        # a card that was changed along with the model is no help to whoever changed it
        model.write_bytes(bytes_before)
        card.write_text(json.dumps(json.loads(card_before) | {"family": "linear"}))
        with pytest.raises(TrackingError, match=r"headrace.json is not the one that was registered"):
            store.registry.load("tiny-tampered", "champion")
    finally:
        model.write_bytes(bytes_before)
        card.write_text(card_before)


def test_system_metrics_are_those_that_mlflow_shows_as_such(store: Store) -> None:
    name = "system/cpu_utilization_percentage"
    points = store.client.get_metric_history(store.logged.mlflow_run_id, name)
    assert [(point.timestamp, point.value) for point in points] == [(1000, 50.0)]


def test_what_is_logged_again_is_there_once(store: Store) -> None:
    before = store.client.get_run(store.logged.mlflow_run_id)
    store.client.delete_tag(store.logged.mlflow_run_id, "headrace.is_whole")  # as if it had died just before
    store.log_all()
    store.log_all()
    after = store.run("fit-1")
    assert (after.info, after.data.metrics) == (before.info, before.data.metrics)
    curve = store.client.get_metric_history(store.logged.mlflow_run_id, "validate/pinball")
    assert [point.step for point in curve] == list(range(1500))
    models = store.client.search_logged_models([after.info.experiment_id])
    assert [model.source_run_id for model in models] == [store.logged.mlflow_run_id]


def test_of_two_runs_that_one_request_made_one_stays(store: Store) -> None:
    """An answer was lost; the request is carried out after all while or after it is repeated."""
    experiment = store.run("fit-1").info.experiment_id
    tags = {"headrace.run_id": "fit-1"}
    for _ in range(2):
        store.client.create_run(experiment, tags=tags)
    store.log_all()
    assert store.run("fit-1").info.run_id == store.logged.mlflow_run_id


def test_a_second_version_of_a_fit_goes(store: Store) -> None:
    name = "tiny-echo"
    number = store.registry.register(store.logged, name, {})
    for _ in range(2):
        store.client.create_model_version(name, store.logged.model_uri, run_id=store.logged.mlflow_run_id)
        assert store.registry.register(store.logged, name, {}) == number
        assert [int(of.version) for of in store.client.search_model_versions(f"name = '{name}'")] == [number]


def test_what_became_known_later_is_added_to_a_run_and_its_parent(store: Store) -> None:
    store.spool.add(2, Note.of("fit-1", {"decision/value": 3.5}).write)
    store.spool.add(3, Note.of("nobody", {"decision/value": 9.0}).write)
    store.log_all()
    store.log_all()
    for id in ("fit-1", "run-1"):
        run = store.run(id)
        points = store.client.get_metric_history(run.info.run_id, "decision/value")
        assert [point.value for point in points] == [3.5]


def test_an_entry_is_whole_or_not_there(store: Store, tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool")

    def dies(folder: Path) -> None:
        (folder / "run.json").write_text("{")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spool.add(1, dies)
    assert spool.entries() == []
    spool.add(12, store.report.write)
    spool.add(2, store.report.write)
    assert [entry.attempt for entry in spool.entries()] == [2, 12]
    assert not [path for path in spool.folder.rglob("*") if path.suffix in (".pkl", ".pickle")]
    for entry in spool.entries():
        spool.drop(entry)
    assert spool.entries() == []


def test_a_whole_number_that_may_be_missing_is_a_double_in_the_signature() -> None:
    example = pa.table({"step": pa.array([1], pa.int32()), "trips": pa.array([None], pa.int64())})
    of = signature(example, example)
    assert {name: str(kind.type) for name, kind in of.inputs.input_dict().items()} == {
        "step": "DataType.integer",
        "trips": "DataType.double",
    }
    assert pandas_input(example).dtypes.astype(str).to_dict() == {"step": "int32", "trips": "float64"}


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("http://127.0.0.1:9", "MLflow at http://127.0.0.1:9: cannot log the run run@"),
        (
            "sqlite:////proc/nowhere/mlflow.db",
            "MLflow at sqlite:////proc/nowhere/mlflow.db: cannot log the run run@",
        ),
    ],
)
def test_a_store_out_of_reach_is_one_line(store: Store, uri: str, message: str) -> None:
    import mlflow

    settings = load(None)
    tracking = Tracking(replace(settings, mlflow=replace(settings.mlflow, tracking_uri=uri)))
    try:
        with pytest.raises(TrackingError) as caught:
            tracking.log(store.spool.entries()[0].folder)
    finally:
        mlflow.set_tracking_uri(store.client.tracking_uri)
        mlflow.set_registry_uri(store.client.tracking_uri)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
