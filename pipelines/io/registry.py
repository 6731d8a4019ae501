"""Registered models in MLflow: one version a fit, an alias that follows the ledger, and bytes that are checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from pipelines.contracts.cards import CARD_FILE, CardError, ModelCard, sha256
from pipelines.io.mlflow_store import MlflowStore
from pipelines.io.tracking import CARD_TAG, LoggedFit
from pipelines.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


_NO_SUCH = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")
"""What MLflow says of a model or version, and of an alias, that it does not have."""


@dataclass(frozen=True)
class Registered:
    """A version of a registered model and the run of its fit."""

    version: int
    mlflow_run_id: str


class Registry:
    """The registered models of one store."""

    def __init__(self, settings: Settings) -> None:
        self._store = MlflowStore(settings)

    def register(self, logged: LoggedFit, name: str, tags: Mapping[str, str]) -> int:
        """Make the logged model the newest version of `name`, with `tags`; returns its number. A fit that was
        registered before keeps its version, also where the answer to that was lost."""
        with self._store.asking(f"register {name}") as client:
            from mlflow.exceptions import MlflowException

            try:
                client.create_registered_model(name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            if not _versions(client, name, logged.mlflow_run_id):
                _add_version(client, logged, name)
            number, *echoes = _versions(client, name, logged.mlflow_run_id)
            for echo in echoes:
                client.delete_model_version(name, str(echo))
            for key, value in tags.items():
                client.set_model_version_tag(name, str(number), key, value)
            return number

    def point_alias(self, name: str, alias: str, version: int) -> bool:
        """Let `alias` point to `version`, as the ledger has it; True if it pointed elsewhere. Another version of the
        same fit, which a request left whose answer was lost, is deleted."""
        with self._store.asking(f"point {name}@{alias} to version {version}") as client:
            run = client.get_model_version(name, str(version)).run_id
            for other in _versions(client, name, run):
                if other != version:
                    client.delete_model_version(name, str(other))
            if str(client.get_registered_model(name).aliases.get(alias)) == str(version):
                return False
            client.set_registered_model_alias(name, alias, str(version))
            return True

    def find(self, name: str, which: int | str) -> Registered | None:
        """A version by its number or an alias; None where there is none."""
        with self._store.asking(f"find {name} {which}") as client:
            from mlflow.exceptions import MlflowException

            try:
                found = _stored(client, name, which)
            except MlflowException as error:
                if error.error_code not in _NO_SUCH:
                    raise
                return None
            return Registered(int(found.version), str(found.run_id))

    def load(self, name: str, which: int | str) -> tuple[bytes, ModelCard]:
        """A registered model by version or alias: its native bytes and its card, both checked against the hash that was
        written with the version. Raises TrackingError if they differ or are not to be had."""
        with self._store.asking(f"load {name} {which}") as client, TemporaryDirectory(prefix="headrace-") as folder:
            from mlflow.artifacts import download_artifacts

            stored = _stored(client, name, which)
            uri = f"models:/{name}/{stored.version}"
            artifacts = Path(download_artifacts(artifact_uri=uri, dst_path=folder)) / "artifacts"
            text = (artifacts / CARD_FILE).read_bytes()
            with self._store.translated(f"trust {name} version {stored.version}", (CardError,)):
                if sha256(text) != stored.tags.get(CARD_TAG):
                    raise CardError(f"{CARD_FILE} is not the one that was registered")
                card = ModelCard.read(text.decode())
                model = (artifacts / card.file).read_bytes()
                card.check(model)
            return model, card


def _stored(client: MlflowClient, name: str, which: int | str) -> ModelVersion:
    if isinstance(which, int):
        return client.get_model_version(name, str(which))
    return client.get_model_version_by_alias(name, which)


def _versions(client: MlflowClient, name: str, run: str | None) -> list[int]:
    """The versions made from a run, the first one first: it is the one that counts."""
    return sorted(int(of.version) for of in client.search_model_versions(f"name = '{name}'") if of.run_id == run)


def _add_version(client: MlflowClient, logged: LoggedFit, name: str) -> ModelVersion:
    return client.create_model_version(
        name,
        logged.model_uri,
        run_id=logged.mlflow_run_id,
        tags={CARD_TAG: logged.card_sha256},
        model_id=logged.model_uri.removeprefix("models:/"),
    )
