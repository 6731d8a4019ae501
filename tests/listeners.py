"""What this process and those that it started listen at, as `ss` tells; by psutil where there is no ss."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import psutil
import pytest

_USER = re.compile(r'\("([^"]*)",pid=(\d+)')


class Listener(NamedTuple):
    program: str
    process_id: int
    address: str
    port: int


@contextmanager
def listeners_seen() -> Iterator[set[Listener]]:
    """Who listened where while it lasted, looked at ten times a second; complete when it has ended.

    Without what this process itself listened at before: Horovod never closes its meeting place of an earlier fit.
    """
    seen: set[Listener] = set()
    before = {one for one in listeners() if one.process_id == os.getpid()}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            seen.update(listeners() - before)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def listeners() -> set[Listener]:
    """Of this moment."""
    if (ss := shutil.which("ss")) is None:
        return _by_psutil()
    told = subprocess.run([ss, "-Hltnp"], check=True, capture_output=True, text=True).stdout
    ours = {process.pid for process in _ours()}
    found = set()
    for line in told.splitlines():
        address, _, port = line.split()[3].rpartition(":")
        for program, process_id in _USER.findall(line):
            if int(process_id) in ours:
                found.add(Listener(program, int(process_id), _plain(address), int(port)))
    return found


def beyond_loopback(seen: set[Listener]) -> set[str]:
    """The addresses among them that other machines may reach."""
    return {one.address for one in seen} - {"127.0.0.1", "::1"}


def interface_beyond() -> str:
    """The name of an interface of this machine that is not loopback; the test is skipped where there is none."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    for name, own in psutil.net_if_addrs().items():
        if name in up and any(one.family == socket.AF_INET and not one.address.startswith("127.") for one in own):
            return name
    return pytest.skip("this machine has no interface with an IPv4 address but loopback")


def _by_psutil() -> set[Listener]:
    found = set()
    for process in _ours():
        try:
            here = [one.laddr for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
            found |= {Listener(process.name(), process.pid, _plain(own.ip), own.port) for own in here}
        except psutil.Error:
            continue  # it ended between being listed and being asked
    return found


def _ours() -> list[psutil.Process]:
    return [psutil.Process(), *psutil.Process().children(recursive=True)]


def _plain(address: str) -> str:
    """`[::ffff:127.0.0.1]`, as a JVM has it, is 127.0.0.1; `*` is every address of both kinds."""
    return address.replace("*", "::").strip("[]").partition("%")[0].removeprefix("::ffff:")
