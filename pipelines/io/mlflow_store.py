"""The connection to MLflow: one store of runs and models, asked one thing at a time, whose failures are one line."""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.io.failures import TrackingError
from pipelines.settings import Settings, without_password

if TYPE_CHECKING:
    from mlflow import MlflowClient

_SQLITE = "sqlite:///"
_LOCKED_SECONDS = 5
_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    # A request that is repeated below us may have been carried out already, and then a run or a version is there twice;
    # and an unreachable server would hold a run up for minutes. Whoever asks looks first and asks again later.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}


class MlflowStore:
    """Importing MLflow takes 4 to 5 s, so it happens at the first question."""

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
        file = self._file
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

                # a client that makes the store gives its experiment Default a place in the working directory
                SqlAlchemyStore(self._uri, self._artifacts)
        return mlflow.MlflowClient(self._uri, self._uri)

    @property
    def _file(self) -> Path | None:
        """The SQLite file of the store, None where it is none."""
        return Path(self._uri.removeprefix(_SQLITE)) if self._uri.startswith(_SQLITE) else None

    @contextmanager
    def asking(self, what: str) -> Iterator[MlflowClient]:
        """The client; whatever goes wrong with the store becomes a TrackingError of one line. what: for that line."""
        from requests.exceptions import RequestException
        from sqlalchemy.exc import SQLAlchemyError

        with self.translated(what, (OSError, RequestException, SQLAlchemyError, sqlite3.Error)):
            self._must_be_open()
            client = self._client
            import mlflow
            from mlflow.exceptions import MlflowException

            # what MLflow offers by its fluent interface alone goes to the store that was named last in this process
            mlflow.set_tracking_uri(self._uri)
            mlflow.set_registry_uri(self._uri)
            with self.translated(what, (MlflowException,)):
                yield client

    @contextmanager
    def translated(self, what: str, kinds: tuple[type[Exception], ...]) -> Iterator[None]:
        """Errors of these kinds as a TrackingError of one line."""
        try:
            yield
        except kinds as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
            store = without_password(self._uri)
            raise TrackingError(
                f"MLflow at {store}: cannot {what}: {reason}. Check mlflow.tracking_uri in conf"
            ) from error

    def experiment(self, client: MlflowClient, name: str) -> str:
        """The id of an experiment, which is made if need be."""
        known = client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        # a tracking server decides itself where artifacts go
        place = None if self._uri.startswith("http") else f"{self._artifacts}{name}"
        return str(client.create_experiment(name, artifact_location=place))

    def _must_be_open(self) -> None:
        """sqlite3.Error where another process keeps the SQLite file locked: MLflow itself would try for minutes."""
        file = self._file
        if file is not None and file.exists():
            with closing(sqlite3.connect(file, timeout=_LOCKED_SECONDS, isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
