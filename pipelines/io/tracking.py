"""Runs in MLflow: each is logged once, from the files of its spool entry, whatever comes between; and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipelines.contracts.cards import CARD_FILE, CardError, ModelCard, sha256
from pipelines.contracts.fits import CurvePoint
from pipelines.io import run_records
from pipelines.io.failures import TrackingError
from pipelines.io.mlflow_shapes import dataset_input, pandas_input, signature
from pipelines.io.mlflow_store import MlflowStore
from pipelines.io.run_records import Note, Point, RunRecord
from pipelines.settings import PROJECT, Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

RUN_ID_TAG = "headrace.run_id"
PLAN_FILE = "plan.json"
CARD_TAG = "headrace.card_sha256"
_MODEL_TAG = "headrace.model_uri"
_WHOLE_TAG = "headrace.is_whole"
_PARENT_TAG = "mlflow.parentRunId"
_LOADER = PROJECT / "pipelines" / "serve" / "pyfunc_model.py"
_CURVES = ("train/", "validate/")
_MODEL_URI = "models:/"
_POINTS_A_BATCH = 1000  # what MLflow takes in one call: 0.17 s, against 17 s for as many single ones


@dataclass(frozen=True)
class LoggedFit:
    """Where a fit stands in MLflow. card_sha256 guards the card, and the card guards the model's bytes."""

    mlflow_run_id: str
    model_uri: str
    card_sha256: str


@dataclass(frozen=True)
class Recorded:
    """What a fit's run tells of how it was made: MLflow's id of the run, the plan's text, its model's card and bytes,
    its metrics, where the tables lay by their names, and MLflow's id of the model."""

    mlflow_run_id: str
    plan: str
    card: str
    model: bytes
    metrics: Mapping[str, float]
    paths: Mapping[str, str]
    model_id: str


class Tracking:
    """The runs of one store. A run is known by our own id, its tag `headrace.run_id`."""

    def __init__(self, settings: Settings) -> None:
        self._store = MlflowStore(settings)

    def log(self, entry: Path) -> None:
        """Log what the files of a spool entry tell.

        May be repeated, also after it stopped half-way or its answer was lost: looks first for what is there already.
        """
        if (entry / run_records.NOTE).exists():
            self._log_note(Note.read(entry))
        else:
            self._log_run(RunRecord.read(entry), entry)

    def open(self, record: RunRecord) -> None:
        """Make a run that others will be nested in, if it is not there yet; it is told what it came to by `renew`."""
        with self._store.asking(f"begin the run {record.name}") as client:
            experiment = self._store.experiment(client, f"/{record.domain}/{record.task}")
            if not _runs(client, [experiment], record.id):
                self._create(client, experiment, record)

    def renew(self, entry: Path) -> None:
        """Log what an opened run has come to by now: as often as it comes to more, tags and files in place of the old
        ones."""
        record = RunRecord.read(entry)
        self.open(record)
        with self._store.asking(f"log the run {record.name}") as client:
            experiment = self._store.experiment(client, f"/{record.domain}/{record.task}")
            run = _runs(client, [experiment], record.id)[0].info.run_id
            for name, value in record.tags.items():
                client.set_tag(run, name, value)
            self._fill(client, run, experiment, record, entry)

    def logged(self, run_id: str) -> LoggedFit:
        """A fit that was logged; TrackingError if there is none."""
        with self._store.asking(f"find the model of run {run_id}") as client:
            run = self._run(client, run_id)
            if run is None or _MODEL_TAG not in run.data.tags:
                raise TrackingError(f"MLflow has no run with the tag {RUN_ID_TAG} = {run_id}, or no model in it")
            return LoggedFit(run.info.run_id, run.data.tags[_MODEL_TAG], run.data.tags[CARD_TAG])

    def recorded(self, run_id: str) -> Recorded:
        """How a fit was made. run_id: MLflow's, or ours; TrackingError if there is no such fit, or it has no plan."""
        with self._store.asking(f"read the plan of run {run_id}") as client:
            run = self._run(client, run_id) or client.get_run(run_id)
            uri = run.data.tags.get(_MODEL_TAG)
            with TemporaryDirectory(prefix="headrace-") as folder:
                names = {file.path for file in client.list_artifacts(run.info.run_id)}
                if uri is None or PLAN_FILE not in names:
                    raise TrackingError(f"run {run_id} of MLflow is no fit with a plan; give the run of a family")
                from mlflow.artifacts import download_artifacts

                plan = Path(client.download_artifacts(run.info.run_id, PLAN_FILE, folder)).read_text(encoding="utf-8")
                model = Path(download_artifacts(artifact_uri=uri, dst_path=f"{folder}/model"))
                card = (model / "artifacts" / CARD_FILE).read_text(encoding="utf-8")
                with self._store.translated(f"trust the model of run {run_id}", (CardError,)):
                    of = ModelCard.read(card)
                    content = (model / "artifacts" / of.file).read_bytes()
                    of.check(content)
            read = [of.dataset for of in run.inputs.dataset_inputs] if run.inputs else []
            paths = {of.name.rpartition(" v")[0]: json.loads(of.source)["path"] for of in read}
            model_id = uri.removeprefix(_MODEL_URI)
            return Recorded(run.info.run_id, plan, card, content, run.data.metrics, paths, model_id)

    def add(self, mlflow_run_id: str, metrics: Mapping[str, float], documents: Mapping[str, str]) -> None:
        """Add metrics, and texts by file name, to a run that is logged."""
        with self._store.asking(f"add to run {mlflow_run_id}") as client:
            _log_points(client, mlflow_run_id, Note.of("", metrics).points)
            for file, text in documents.items():
                client.log_text(mlflow_run_id, text, file)

    def curves(self, run_id: str) -> list[CurvePoint]:
        """The learning curves that a fit's run holds; none for a family that does not learn by rounds or epochs, nor of
        a run that is not logged yet."""
        with self._store.asking(f"read the curves of run {run_id}") as client:
            run = self._run(client, run_id)
            if run is None:
                return []
            return [
                CurvePoint(name, point.step, point.value)
                for name in sorted(run.data.metrics)
                if name.startswith(_CURVES)
                for point in client.get_metric_history(run.info.run_id, name)
            ]

    def _log_run(self, record: RunRecord, entry: Path) -> None:
        with self._store.asking(f"log the run {record.name}") as client:
            experiment = self._store.experiment(client, f"/{record.domain}/{record.task}")
            _drop_echoes(client, experiment)
            runs = _runs(client, [experiment], record.id)
            run = runs[0] if runs else self._create(client, experiment, record)
            if _WHOLE_TAG not in run.data.tags:
                self._fill(client, run.info.run_id, experiment, record, entry)
            for other in _runs(client, [experiment], record.id):
                # the answer to an earlier request was lost, and it was carried out after all
                if other.info.run_id != run.info.run_id:
                    client.delete_run(other.info.run_id)

    def _create(self, client: MlflowClient, experiment: str, record: RunRecord) -> Run:
        tags = {**record.tags, RUN_ID_TAG: record.id}
        parent = self._run(client, record.parent) if record.parent else None
        if parent is not None:
            tags[_PARENT_TAG] = parent.info.run_id
        return client.create_run(experiment, start_time=record.started_ms, tags=tags, run_name=record.name)

    def _fill(self, client: MlflowClient, run: str, experiment: str, record: RunRecord, entry: Path) -> None:
        """Everything that a run holds; whatever of it is there already stays as it is."""
        from mlflow.entities import LoggedModelInput, Param

        client.log_batch(run, params=[Param(name, value) for name, value in record.params.items()])
        _log_points(client, run, record.points)
        tables = [dataset_input(table.name, table.path, table.version, table.rows) for table in record.tables]
        models = [LoggedModelInput(model_id=model) for model in record.models]
        if tables or models:
            client.log_inputs(run, tables, models)
        if (entry / run_records.ARTIFACTS).is_dir():
            client.log_artifacts(run, str(entry / run_records.ARTIFACTS))
        if (entry / run_records.MODEL).is_dir():
            self._log_model(client, run, experiment, entry / run_records.MODEL)
        client.set_terminated(run, end_time=record.ended_ms)
        client.set_tag(run, _WHOLE_TAG, "true")

    def _log_model(self, client: MlflowClient, run: str, experiment: str, folder: Path) -> None:
        """The model's own bytes, its card, and the code that loads them, as MLflow's pyfunc."""
        import mlflow

        text = (folder / CARD_FILE).read_text(encoding="utf-8")
        card = ModelCard.read(text)
        example = run_records.read_rows(folder / run_records.EXAMPLE)
        uri = _model_of(client, run, experiment)
        if uri is None:
            with mlflow.start_run(run_id=run):
                info = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(_LOADER),
                    artifacts={"model": str(folder / card.file), "card": str(folder / CARD_FILE)},
                    signature=signature(example, run_records.read_rows(folder / run_records.PREDICTION)),
                    input_example=pandas_input(example),
                    # given, because inferring them costs a process of its own
                    pip_requirements=[f"headrace=={version('headrace')}"],
                    metadata={"family": card.family, "format": card.format, "model_sha256": card.sha256},
                )
            uri = str(info.model_uri)
        client.set_tag(run, _MODEL_TAG, uri)
        client.set_tag(run, CARD_TAG, sha256(text.encode()))

    def _log_note(self, note: Note) -> None:
        with self._store.asking("add metrics to a run") as client:
            run = self._run(client, note.run_id)
            if run is None:
                return  # somebody deleted it, and with it the place for what became known
            parent = run.data.tags.get(_PARENT_TAG)
            for of in (run.info.run_id, parent) if parent else (run.info.run_id,):
                _log_points(client, of, note.points)

    def _run(self, client: MlflowClient, run_id: str) -> Run | None:
        found = _runs(client, [of.experiment_id for of in client.search_experiments()], run_id)
        return found[0] if found else None


def _runs(client: MlflowClient, experiments: list[str], run_id: str) -> list[Run]:
    """The runs with our id, the one that counts first."""
    found = client.search_runs(experiments, f"tags.`{RUN_ID_TAG}` = '{run_id}'")
    return sorted(found, key=lambda run: (_WHOLE_TAG not in run.data.tags, run.info.run_id))


def _drop_echoes(client: MlflowClient, experiment: str) -> None:
    """Delete runs that a request made whose answer was lost, once the repeated request has given a whole one."""
    for left in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
        of = left.data.tags.get(RUN_ID_TAG)
        if of and _WHOLE_TAG in _runs(client, [experiment], of)[0].data.tags:
            client.delete_run(left.info.run_id)


def _log_points(client: MlflowClient, run: str, points: tuple[Point, ...]) -> None:
    """In batches. Points that are there already, to the millisecond, are not there twice afterwards."""
    from mlflow.entities import Metric

    metrics = [Metric(point.name, point.value, point.at_ms, point.step) for point in points]
    for start in range(0, len(metrics), _POINTS_A_BATCH):
        client.log_batch(run, metrics=metrics[start : start + _POINTS_A_BATCH])


def _model_of(client: MlflowClient, run: str, experiment: str) -> str | None:
    """The model that was logged to the run before; what was begun and never finished goes."""
    found = None
    for model in client.search_logged_models([experiment], filter_string=f"source_run_id = '{run}'"):
        if str(model.status) == "READY" and found is None:
            found = str(model.model_uri)
        else:
            client.delete_logged_model(model.model_id)
    return found
