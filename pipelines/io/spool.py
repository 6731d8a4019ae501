"""What MLflow has yet to be told of a task, an entry a run: files on this machine, so that a store that is away loses
nothing. An entry is logged once the attempt that wrote it is published, and then it goes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4


@dataclass(frozen=True)
class Entry:
    """One run, or what became known of one later; see run_records. attempt: that wrote it."""

    folder: Path
    attempt: int


class Spool:
    """The entries of one task below `folder`, in the order in which they came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(self, attempt: int, write: Callable[[Path], None]) -> None:
        """Keep an entry; it is there whole or not at all. write: gets its empty folder."""
        partial = self.folder / f".{uuid4().hex}"
        partial.mkdir(parents=True)
        write(partial)
        place = sum(entry.attempt == attempt for entry in self.entries())
        partial.rename(self.folder / f"{attempt:09d}-{place:03d}")

    def entries(self) -> list[Entry]:
        """All that are there, the oldest first."""
        if not self.folder.is_dir():
            return []
        names = sorted(path.name for path in self.folder.iterdir() if not path.name.startswith("."))
        return [Entry(self.folder / name, int(name.partition("-")[0])) for name in names]

    def drop(self, entry: Entry) -> None:
        """Forget an entry: it is logged, or its attempt is dead."""
        gone = entry.folder.with_name(f".{entry.folder.name}")  # half of an entry must not look like one
        shutil.rmtree(gone, ignore_errors=True)
        entry.folder.rename(gone)
        shutil.rmtree(gone)
