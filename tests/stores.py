"""A real object store on this machine, found by the environment as by AWS's own tools."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

SECRET = "not-to-be-told"


@contextmanager
def serving(monkeypatch: pytest.MonkeyPatch, bucket: str) -> Iterator[fs.S3FileSystem]:
    """A store with one bucket, while it is served; what it is asked is logged in this process."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    yield _found(monkeypatch, bucket, *server.get_host_and_port())
    server.stop()


@contextmanager
def serving_apart(monkeypatch: pytest.MonkeyPatch, bucket: str) -> Iterator[fs.S3FileSystem]:
    """The same by a process of its own: deltalake, while it asks, lets no other thread of its process answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port, server)
        yield _found(monkeypatch, bucket, "127.0.0.1", port)
    finally:
        server.terminate()
        server.wait()


def _await(port: int, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        assert server.poll() is None, "the store ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the store did not come up within a minute")


def _found(monkeypatch: pytest.MonkeyPatch, bucket: str, host: str, port: int) -> fs.S3FileSystem:
    """The store by the environment, with an empty bucket."""
    variables = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = fs.S3FileSystem(endpoint_override=variables["AWS_ENDPOINT_URL"], allow_bucket_creation=True)
    found.create_dir(bucket)
    return found
