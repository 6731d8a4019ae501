"""MLflow's pages: on this machine only, and a clear line where they cannot be served."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.io.failures import TrackingError
from pipelines.io.tracking_ui import command, serve
from pipelines.settings import Settings, load


def settings_of(uri: str, port: int = 5000) -> Settings:
    settings = load(None)
    return replace(settings, mlflow=replace(settings.mlflow, tracking_uri=uri, port=port))


def test_the_server_listens_on_this_machine_and_knows_no_other_name(tmp_path: Path) -> None:
    words = command(settings_of(f"sqlite:///{tmp_path}/mlflow.db", 5123))
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[words.index("--allowed-hosts") + 1] == "127.0.0.1:5123,localhost:5123"


def test_a_taken_port_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").touch()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(TrackingError) as caught:
            serve(settings_of(f"sqlite:///{tmp_path}/mlflow.db", port))
    assert str(caught.value) == (f"port {port} on 127.0.0.1 is taken. Stop what uses it, or set mlflow.port in conf")


def test_a_store_that_holds_nothing_yet_is_said_to(tmp_path: Path) -> None:
    with pytest.raises(TrackingError, match=r"nothing was logged yet. Run: headrace run$"):
        serve(settings_of(f"sqlite:///{tmp_path}/mlflow.db"))
    assert list(tmp_path.iterdir()) == []


def test_a_tracking_server_has_pages_of_its_own() -> None:
    with pytest.raises(TrackingError, match=r"^MLflow's pages are served by http://mlflow:5000 itself"):
        serve(settings_of("http://mlflow:5000"))
