"""A real MLflow server on this machine behind a small proxy, which can be told to fail from some request on."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

_LOOPBACK = "127.0.0.1"
_START_SECONDS = 180
_LATE_SECONDS = 4.0
_HOP_BY_HOP = {"connection", "host", "keep-alive", "transfer-encoding", "content-length"}

WAYS = ("refused", "killed", "paused", "500", "lost", "late")
"""How requests fail, from one on until it is mended: nobody listens; the server is killed, or stopped and goes on with
what it was asked when it wakes; it answers 500 and does nothing; it does what is asked and answers 500 (that request
alone); its answer comes when nobody waits for it any more (that request alone)."""


class MlflowServer:
    """uri: of the proxy. asked: how many requests came since `mend`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._port = folder, _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._fault, self._at = "", 0
        self._lock = threading.Lock()
        self.asked = 0
        self.has_struck = False
        self._proxy = _Proxy(self)
        self.uri = f"http://{_LOOPBACK}:{self._proxy.server_address[1]}"
        threading.Thread(target=self._proxy.serve_forever, daemon=True).start()
        self._start()

    def fail(self, way: str, at: int) -> None:
        """Let requests fail in this way from number `at` on, counted from now."""
        with self._lock:
            self._fault, self._at, self.asked, self.has_struck = way, at, 0, False

    def mend(self) -> None:
        """Be there again."""
        with self._lock:
            fault, self._fault, self.asked = self._fault, "", 0
        if fault == "paused" and self._process is not None:
            os.killpg(self._process.pid, signal.SIGCONT)
        if self._process is None or self._process.poll() is not None:
            self._start()

    def close(self) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()
        self._kill()

    def strikes(self) -> str:
        """The way in which the request that has just come fails, "" if it does not."""
        with self._lock:
            self.asked += 1
            if not self._fault or self.asked < self._at:
                return ""
            way, is_first, self.has_struck = self._fault, not self.has_struck, True
            if way in ("lost", "late") and not is_first:
                return ""
            if is_first and way == "killed":
                self._kill()
            if is_first and way == "paused" and self._process is not None:
                os.killpg(self._process.pid, signal.SIGSTOP)
            return way

    def pass_on(self, handler: BaseHTTPRequestHandler) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the server answers to a request."""
        length = int(handler.headers.get("Content-Length", 0))
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in _HOP_BY_HOP}
        connection = http.client.HTTPConnection(_LOOPBACK, self._port, timeout=60)
        try:
            connection.request(handler.command, handler.path, handler.rfile.read(length), headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    def _start(self) -> None:
        command = [
            *(sys.executable, "-m", "mlflow", "server", "--host", _LOOPBACK, "--port", str(self._port)),
            *("--backend-store-uri", f"sqlite:///{self._folder}/server.db", "--workers", "1"),
            *("--artifacts-destination", str(self._folder / "artifacts"), "--uvicorn-opts", "--log-level warning"),
        ]
        quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        with (self._folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=os.environ | quiet, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until:
            try:
                urllib.request.urlopen(f"http://{_LOOPBACK}:{self._port}/health", timeout=2)
                return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise RuntimeError(f"the MLflow server did not start; see {self._folder}/server.log")

    def _kill(self) -> None:
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class _Proxy(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, server: MlflowServer) -> None:
        class Handler(_Handler):
            of = server

        super().__init__((_LOOPBACK, 0), Handler)


class _Handler(BaseHTTPRequestHandler):
    of: MlflowServer

    def _handle(self) -> None:
        way = self.of.strikes()
        if way == "refused":
            self.close_connection = True
            return
        if way == "500":
            self._answer(500, [], b"out of order")
            return
        try:
            status, headers, body = self.of.pass_on(self)
        except (OSError, http.client.HTTPException):
            self.close_connection = True
            return
        if way == "lost":
            status, headers, body = 500, [], b"out of order"
        if way == "late":
            time.sleep(_LATE_SECONDS)
        self._answer(status, headers, body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle  # noqa: N815

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        try:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            self.close_connection = True  # nobody waits for it any more

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the cases say what happens."""


@contextmanager
def mlflow_server(folder: Path) -> Iterator[MlflowServer]:
    """A server with a store of its own in `folder`, for as long as the context lasts."""
    folder.mkdir()
    server = MlflowServer(folder)
    try:
        yield server
    finally:
        server.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port
