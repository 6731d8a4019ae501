"""One writer at a time for a table on a local file system.

Delta's commit lock lives inside one JVM, so two processes that write one local table can lose commits. An OS lock
(`flock`) on a file beside the table keeps the second one out; the kernel frees it when the process ends, however it
ends, so there is nothing to clean up. An attempt that is over lets go earlier. Stores elsewhere (s3a, hdfs) get no lock
here; of one that cannot settle two writers itself, the domain's lease makes this house the single writer.
"""

from __future__ import annotations

import fcntl
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit


@dataclass
class _Held:
    """An open file is what holds a lock; users: how many in this process have taken it."""

    file: IO[str]
    users: int = 1


_held: dict[Path, _Held] = {}
_alone = threading.Lock()


class LockError(RuntimeError):
    """Another process writes the table; the message names the table, that process and what to do."""


def local_path(uri: str) -> Path | None:
    """Where `uri` lies on this machine's file system; None if it lies elsewhere."""
    parts = urlsplit(uri)
    if parts.scheme not in ("", "file"):
        return None
    return Path(unquote(parts.path) if parts.scheme else uri).absolute()


def hold(table: str, uri: str) -> None:
    """Take the lock of the table at `uri`, until this process ends or has let go as often as it was taken.

    Raises LockError at once if another process has it.
    """
    lock = _lock_of(uri)
    if lock is None:
        return
    with _alone:
        if lock in _held:
            _held[lock].users += 1
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
                f"{table}: process {owner} writes this table (lock {lock}); wait until it is done, or end it, "
                "then run again"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        _held[lock] = _Held(file)


def release(uri: str) -> None:
    """Let go of the lock of the table at `uri`; only for who knows that no write of its own is still under way."""
    lock = _lock_of(uri)
    if lock is None:
        return
    with _alone:
        held = _held[lock]
        held.users -= 1
        if not held.users:
            held.file.close()
            del _held[lock]


def _lock_of(uri: str) -> Path | None:
    path = local_path(uri)
    return None if path is None else path.with_name(f".{path.name}.lock")
