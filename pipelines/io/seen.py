"""What source files held when they were read last, so that one that lies untouched is not read again."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipelines.contracts.deliveries import DroppedFile
from pipelines.contracts.sources import Source
from pipelines.io.drops import Drop
from pipelines.io.landing import write_atomically

INDEX = ".seen.json"


class Seen:
    """The files of a source by name, each with a stamp that is another as soon as it may hold anything else.

    index: the file that keeps it between runs. It may be deleted: then everything is read once more.
    """

    def __init__(self, index: Path, source: Source) -> None:
        self._index, self._source = index, source
        self._before: dict[str, Any] = _read(index)
        self._now: dict[str, Any] = {}

    def known(self, name: str, stamp: str) -> Drop | None:
        """What was found in it under this stamp; None if it has to be read."""
        noted = self._before.get(name)
        if noted is None or (noted["stamp"], noted["declared"]) != (stamp, self._source.files):
            return None
        files = [DroppedFile(**{**file, "members": tuple(file["members"])}) for file in noted["files"]]
        if not all(Path(file.path).exists() for file in files):
            return None
        self._now[name] = noted
        return Drop(tuple(files), (), noted["left_alone"])

    def note(self, name: str, stamp: str, drop: Drop) -> None:
        """Keep what was found in it, unless something could not be read."""
        if not drop.unreadable:
            files = [asdict(file) for file in drop.files]
            found = {"files": files, "left_alone": dict(drop.left_alone)}
            self._now[name] = {"stamp": stamp, "declared": self._source.files, **found}

    def save(self, *, is_all: bool) -> None:
        """Write the index where it changed. is_all: every file was asked for, so all others are gone."""
        noted = self._now if is_all else self._before | self._now
        if noted != self._before:
            write_atomically(self._index, json.dumps(noted).encode())


def _read(index: Path) -> dict[str, Any]:
    """What the index says; nothing where there is none, or none that can be read."""
    try:
        return dict(json.loads(index.read_text()))
    except (FileNotFoundError, ValueError):  # no JSON, or no text at all
        return {}
