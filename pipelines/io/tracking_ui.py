"""MLflow's own pages on what the runs logged, on this machine only."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from pipelines.io.failures import TrackingError
from pipelines.settings import Settings

LOOPBACK = "127.0.0.1"


def serve(settings: Settings) -> int:
    """Serve the UI until it is interrupted; returns the server's exit status, 0 after Ctrl-C.

    Raises TrackingError if nothing was logged yet, the store is a server with pages of its own, or the port is taken.
    """
    uri, port = settings.mlflow.tracking_uri, settings.mlflow.port
    if uri.startswith("http"):
        raise TrackingError(f"MLflow's pages are served by {uri} itself. Open it in a browser")
    if uri.startswith("sqlite:///") and not Path(uri.removeprefix("sqlite:///")).is_file():
        raise TrackingError(f"MLflow at {uri}: nothing was logged yet. Run: headrace run")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            taken = f"port {port} on {LOOPBACK} is taken"
            raise TrackingError(f"{taken}. Stop what uses it, or set mlflow.port in conf") from error
    page = f"http://{LOOPBACK}:{port}/#"
    # the front page opens MLflow's view for language models, which hides what is here
    print(f"runs:   {page}/experiments\nmodels: {page}/models\nCtrl-C ends it.", flush=True)
    try:
        return subprocess.run(command(settings), env=_environment(), check=False).returncode
    except KeyboardInterrupt:
        return 0


def command(settings: Settings) -> list[str]:
    """The server's command line: one worker, this machine only, no other host name accepted."""
    uri, port = settings.mlflow.tracking_uri, str(settings.mlflow.port)
    return [
        *(sys.executable, "-m", "mlflow", "server"),
        *("--backend-store-uri", uri, "--no-serve-artifacts"),
        *("--default-artifact-root", settings.mlflow.artifacts),
        *("--host", LOOPBACK, "--port", port, "--workers", "1"),
        *("--allowed-hosts", f"{LOOPBACK}:{port},localhost:{port}"),
        *("--uvicorn-opts", "--log-level warning"),
    ]


def _environment() -> dict[str, str]:
    return os.environ | {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        # the server would run jobs for whoever reaches it
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
