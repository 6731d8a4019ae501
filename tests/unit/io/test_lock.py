"""One writing process a table."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.io import lock
from pipelines.io.lock import LockError

HOLD = (
    "import sys, time; from pipelines.io import lock; lock.hold('silver.t', sys.argv[1]); print('held', flush=True); "
)


def holder(place: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", HOLD + "time.sleep(60)", place]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def is_free(place: str) -> bool:
    """Whether another process may write the table now."""
    return subprocess.run([sys.executable, "-c", HOLD, place], capture_output=True).returncode == 0


def test_a_table_that_another_process_writes_is_refused_until_that_one_ends(tmp_path: Path) -> None:
    place = str(tmp_path / "silver" / "t")
    other = holder(place)
    try:
        with pytest.raises(
            LockError, match=f"silver.t: process {other.pid} writes this table .*; wait until it is done"
        ):
            lock.hold("silver.t", f"file://{place}")
        lock.hold("silver.u", str(tmp_path / "silver" / "u"))
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
    lock.hold("silver.t", place)
    assert (tmp_path / "silver" / ".t.lock").read_text() == f"{os.getpid()}\n"


def test_a_table_is_free_once_everyone_in_the_process_has_let_go(tmp_path: Path) -> None:
    place = str(tmp_path / "t")
    lock.hold("silver.t", place)
    lock.hold("silver.t", f"file://{place}")
    lock.release(place)
    assert not is_free(place)
    lock.release(place)
    assert is_free(place)
    lock.hold("silver.t", place)
    assert not is_free(place)


def test_a_store_elsewhere_gets_no_lock() -> None:
    lock.hold("silver.t", "s3a://bucket/silver/t")
    lock.release("s3a://bucket/silver/t")
    assert lock.local_path("s3a://bucket/silver/t") is None
    assert lock.local_path("file:///data/a%20b") == Path("/data/a b")
