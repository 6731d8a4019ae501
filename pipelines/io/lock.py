"""One writer at a time for a table on a local file system.

Delta's commit lock lives inside one JVM, so two processes that write one local table can lose commits. An OS lock
(`flock`) on a file beside the table keeps the second one out; the kernel frees it when the process ends, however it
ends, so there is nothing to clean up. Stores elsewhere (s3a, hdfs) settle this themselves and get no lock here.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

_held: dict[Path, IO[str]] = {}  # an open file is what holds a lock, so it stays referenced while the process lives


class LockError(RuntimeError):
    """Another process writes the table; the message names the table, that process and what to do."""


def local_path(uri: str) -> Path | None:
    """Where `uri` lies on this machine's file system; None if it lies elsewhere."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        return None
    return Path(unquote(parts.path) if parts.scheme else uri).absolute()


def hold(table: str, uri: str) -> None:
    """Take the lock of the table at `uri` until this process ends; taking it twice in one process is fine.

    Raises LockError at once if another process has it.
    """
    path = local_path(uri)
    if path is None:
        return
    lock = path.with_name(f".{path.name}.lock")
    if lock in _held:
        return
    lock.parent.mkdir(parents=True, exist_ok=True)
    file = lock.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise LockError(
            f"{table}: process {owner} writes this table (lock {lock}); wait until it ends, or end it, then run again"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    _held[lock] = file
