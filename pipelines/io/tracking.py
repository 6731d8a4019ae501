"""What MLflow is told, and what is read back from it. The only room that imports mlflow, and only when it is needed."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.contracts.cards import CARD_FILE, CardError, ModelCard, sha256
from pipelines.contracts.fits import Calibration, CurvePoint, FitPlan, FitResult
from pipelines.io.failures import TrackingError
from pipelines.io.mlflow_shapes import (
    curve_metrics,
    dataset_input,
    metric_name,
    pandas_input,
    parameters,
    signature,
)
from pipelines.settings import PROJECT, Settings, without_password

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

_LOADER = PROJECT / "pipelines" / "serve" / "pyfunc_model.py"
_CARD_TAG = "headrace.card_sha256"
_MODEL_TAG = "headrace.model_uri"
_CURVES = ("train/", "validate/")
_POINTS_A_BATCH = 1000  # what MLflow takes in one call: 0.17 s, against 17 s for as many single ones
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # by default an unreachable server holds a run up for minutes before it is told
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


@dataclass(frozen=True)
class TableRead:
    """A Delta table at the version that a fit read; rows is how many it had there."""

    name: str
    path: str
    version: int
    rows: int


@dataclass(frozen=True)
class FitReport:
    """All there is to tell of one fit. Complete before MLflow is called, so that nothing depends on its being there.

    metrics: by name or `name/slice`, those of the naive baseline among them. example, prediction: a few examples
    (without the label) and what the calibrated model makes of them. figures: by name.
    """

    as_of: datetime
    plan: FitPlan
    result: FitResult
    calibration: Calibration
    metrics: Mapping[str, float]
    tables: Sequence[TableRead]
    example: pa.Table
    prediction: pa.Table
    figures: Mapping[str, Figure] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LoggedFit:
    """Where a fit stands in MLflow. card_sha256 guards the card, and the card guards the model's bytes."""

    run_id: str
    model_uri: str
    card_sha256: str


def run_name(what: str, as_of: datetime) -> str:
    """`xgboost@2014-12-31T00:00Z`."""
    return f"{what}@{as_of.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


class Tracking:
    """One store of runs and models. Importing MLflow takes 4 to 5 s, so it happens at the first call."""

    def __init__(self, settings: Settings) -> None:
        self._uri = settings.mlflow.tracking_uri
        self._artifacts = settings.mlflow.artifacts

    @cached_property
    def _client(self) -> MlflowClient:
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        import mlflow

        for name in ("mlflow", "alembic"):
            logging.getLogger(name).setLevel(logging.ERROR)
        if self._uri.startswith("sqlite:///"):
            file = Path(self._uri.removeprefix("sqlite:///"))
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

                # a client that makes the store gives its experiment Default a place in the working directory
                SqlAlchemyStore(self._uri, self._artifacts)
        mlflow.set_tracking_uri(self._uri)
        mlflow.set_registry_uri(self._uri)
        return mlflow.MlflowClient(self._uri, self._uri)

    @contextmanager
    def _asking(self, what: str) -> Iterator[MlflowClient]:
        """The client; whatever goes wrong with the store becomes a TrackingError of one line."""
        from requests.exceptions import RequestException
        from sqlalchemy.exc import SQLAlchemyError

        with self._translated(what, (OSError, RequestException, SQLAlchemyError)):
            client = self._client
            from mlflow.exceptions import MlflowException

            with self._translated(what, (MlflowException,)):
                yield client

    @contextmanager
    def _translated(self, what: str, kinds: tuple[type[Exception], ...]) -> Iterator[None]:
        try:
            yield
        except kinds as error:
            reason = str(error).strip().splitlines()[0].rstrip(".")
            store = without_password(self._uri)
            raise TrackingError(
                f"MLflow at {store}: cannot {what}: {reason}. Check mlflow.tracking_uri in conf"
            ) from error

    def begin(self, domain: str, task: str, as_of: datetime, tags: Mapping[str, str] | None = None) -> str:
        """Open the parent run `run@<as_of>` in the experiment `/<domain>/<task>`; returns its id.

        Runs of the experiment that still count as running were killed, since the domain's lease lets one run at a time.
        """
        with self._asking("open a run") as client:
            experiment = self._experiment(client, f"/{domain}/{task}")
            for stale in client.search_runs([experiment], "attributes.status = 'RUNNING'"):
                client.set_terminated(stale.info.run_id, "KILLED")
            tags = dict(tags or {}) | {"mlflow.source.name": "headrace", "mlflow.source.type": "JOB"}
            return str(client.create_run(experiment, tags=tags, run_name=run_name("run", as_of)).info.run_id)

    def finish(self, parent: str, *, failed: bool = False, metrics: Mapping[str, float] | None = None) -> None:
        """Close the parent run, with what the whole run came to."""
        with self._asking("close a run") as client:
            self._log_values(client, parent, metrics or {}, {})
            client.set_terminated(parent, "FAILED" if failed else "FINISHED")

    def log_fit(self, parent: str, report: FitReport) -> LoggedFit:
        """Log a fit as the child run `<family>@<as_of>` of `parent`, with its model; one call, after the fit."""
        plan = report.plan
        with self._asking(f"log the fit of {plan.family}") as client:
            tags = dict(report.tags) | {"mlflow.parentRunId": parent, "headrace.fit_key": plan.key}
            tags |= {"mlflow.source.name": "headrace", "mlflow.source.type": "JOB", "family": plan.family}
            experiment = client.get_run(parent).info.experiment_id
            run = client.create_run(experiment, tags=tags, run_name=run_name(plan.family, report.as_of)).info.run_id
            self._log_values(client, run, report.metrics, parameters(plan))
            points = curve_metrics(report.result, _now_ms())
            for start in range(0, len(points), _POINTS_A_BATCH):
                client.log_batch(run, metrics=points[start : start + _POINTS_A_BATCH])
            self._log_traces(client, run, report)
            client.log_inputs(run, [dataset_input(t.name, t.path, t.version, t.rows) for t in report.tables])
            logged = self._log_model(run, report)
            client.set_terminated(run)
            return logged

    def logged(self, run_id: str) -> LoggedFit:
        """A fit that an earlier process logged."""
        with self._asking(f"find the model of run {run_id}") as client:
            tags = client.get_run(run_id).data.tags
            return LoggedFit(run_id, tags[_MODEL_TAG], tags[_CARD_TAG])

    def curves(self, run_id: str) -> list[CurvePoint]:
        """The learning curves that a fit's run holds; none for a family that does not learn by rounds or epochs."""
        with self._asking(f"read the curves of run {run_id}") as client:
            logged = client.get_run(run_id).data.metrics
            return [
                CurvePoint(name, point.step, point.value)
                for name in sorted(logged)
                if name.startswith(_CURVES)
                for point in client.get_metric_history(run_id, name)
            ]

    def note(self, run_id: str, metrics: Mapping[str, float]) -> None:
        """Add what became known later, say a decision's value, to a fit's run and to its parent."""
        with self._asking("add metrics to a run") as client:
            parent = client.get_run(run_id).data.tags.get("mlflow.parentRunId")
            for run in (run_id, parent) if parent else (run_id,):
                self._log_values(client, run, metrics, {})

    def attach(self, run_id: str, name: str, rows: Sequence[Mapping[str, object]], figure: Figure) -> None:
        """Add a table as `<name>.csv` and its picture to a run."""
        import pandas as pd

        with self._asking(f"add the table {name} to a run") as client:
            client.log_text(run_id, pd.DataFrame(rows).to_csv(index=False), f"{name}.csv")
            self._log_figure(client, run_id, name, figure)

    def register(self, logged: LoggedFit, name: str, alias: str, tags: Mapping[str, str]) -> int:
        """Make the logged model the newest version of `name`, with `tags`, and let `alias` point to it; returns its
        number. A fit that was registered before keeps its version."""
        with self._asking(f"register {name}") as client:
            from mlflow.exceptions import MlflowException

            try:
                client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            there = [v for v in client.search_model_versions(f"name = '{name}'") if v.run_id == logged.run_id]
            newest = there[0] if there else self._add_version(client, logged, name)
            for key, value in tags.items():
                client.set_model_version_tag(name, newest.version, key, value)
            number = int(newest.version)
        self.point_alias(name, alias, number)
        return number

    def point_alias(self, name: str, alias: str, version: int) -> bool:
        """Let `alias` point to `version`, as the ledger has it; True if it pointed elsewhere."""
        with self._asking(f"point {name}@{alias} to version {version}") as client:
            if str(client.get_registered_model(name).aliases.get(alias)) == str(version):
                return False
            client.set_registered_model_alias(name, alias, str(version))
            return True

    def load_model(self, name: str, which: int | str) -> tuple[bytes, ModelCard]:
        """A registered model by version or alias: its native bytes and its card, both checked against the hash that was
        written with the version. Raises TrackingError if they differ or are not to be had."""
        with self._asking(f"load {name} {which}") as client, TemporaryDirectory(prefix="headrace-model-") as folder:
            from mlflow.artifacts import download_artifacts

            if isinstance(which, int):
                stored = client.get_model_version(name, str(which))
            else:
                stored = client.get_model_version_by_alias(name, which)
            uri = f"models:/{name}/{stored.version}"
            artifacts = Path(download_artifacts(artifact_uri=uri, dst_path=folder)) / "artifacts"
            text = (artifacts / CARD_FILE).read_bytes()
            with self._translated(f"trust {name} version {stored.version}", (CardError,)):
                if sha256(text) != stored.tags.get(_CARD_TAG):
                    raise CardError(f"{CARD_FILE} is not the one that was registered")
                card = ModelCard.read(text.decode())
                model = (artifacts / card.file).read_bytes()
                card.check(model)
            return model, card

    def _add_version(self, client: MlflowClient, logged: LoggedFit, name: str) -> ModelVersion:
        return client.create_model_version(
            name,
            logged.model_uri,
            run_id=logged.run_id,
            tags={_CARD_TAG: logged.card_sha256},
            model_id=logged.model_uri.removeprefix("models:/"),
        )

    def _experiment(self, client: MlflowClient, name: str) -> str:
        known = client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        # a tracking server decides itself where artifacts go
        place = None if self._uri.startswith("http") else f"{self._artifacts}{name}"
        return str(client.create_experiment(name, artifact_location=place))

    def _log_values(
        self, client: MlflowClient, run: str, metrics: Mapping[str, float], params: Mapping[str, str]
    ) -> None:
        from mlflow.entities import Metric, Param

        values = [Metric(metric_name(name), value, _now_ms(), 0) for name, value in metrics.items()]
        client.log_batch(run, metrics=values, params=[Param(name, value) for name, value in params.items()])

    def _log_traces(self, client: MlflowClient, run: str, report: FitReport) -> None:
        """Workers and importance as data, figures as pictures."""
        workers = [vars(worker) for worker in report.result.workers]
        client.log_dict(run, {"workers": workers}, "workers.json")
        for worker in report.result.workers:
            seen = f"{worker.rows} rows, process {worker.process_id}, shard {worker.shard_hash[:12]}"
            client.set_tag(run, f"worker_{worker.rank}", seen)
        if report.result.importance:
            client.log_dict(run, dict(report.result.importance), "importance.json")
        for name, figure in report.figures.items():
            self._log_figure(client, run, name, figure)

    def _log_figure(self, client: MlflowClient, run: str, name: str, figure: Figure) -> None:
        client.log_figure(run, figure, f"figures/{name}.png", save_kwargs={"dpi": 150})

    def _log_model(self, run: str, report: FitReport) -> LoggedFit:
        """The model's own bytes, its card, and the code that loads them, as MLflow's pyfunc."""
        import mlflow

        card = ModelCard.of(report.plan, report.result, report.calibration)
        with TemporaryDirectory(prefix="headrace-model-") as folder:
            (Path(folder) / card.file).write_bytes(report.result.model)
            (Path(folder) / CARD_FILE).write_text(card.text())
            with mlflow.start_run(run_id=run):
                info = mlflow.pyfunc.log_model(
                    name="model",
                    python_model=str(_LOADER),
                    artifacts={"model": f"{folder}/{card.file}", "card": f"{folder}/{CARD_FILE}"},
                    signature=signature(report.example, report.prediction),
                    input_example=pandas_input(report.example),
                    # given, because inferring them costs a process of its own
                    pip_requirements=[f"headrace=={version('headrace')}"],
                    metadata={"family": card.family, "format": card.format, "model_sha256": card.sha256},
                )
        logged = LoggedFit(run, str(info.model_uri), sha256(card.text().encode()))
        with self._asking("tag a run") as client:
            client.set_tag(run, _MODEL_TAG, logged.model_uri)
            client.set_tag(run, _CARD_TAG, logged.card_sha256)
        return logged


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
