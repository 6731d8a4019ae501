"""Vacuum by inventory: only files that no version needs which is pinned, young, or what a model was made from.

Delta's own VACUUM knows nothing of pins, and would delete by age alone. Here the table's log is read as a whole, which
is possible because nothing of it is ever cleaned up, and no file goes but those that it shows to be needless.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pipelines.io import fault, lock
from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import must_be_whole
from pipelines.io.s3 import arrow_place

if TYPE_CHECKING:
    from pyarrow import fs


_COMMIT = re.compile(r"(\d{20})\.json")


@dataclass(frozen=True)
class Surplus:
    """Files of a table that no kept version needs, by their places in its folder. kept: the versions that stay
    readable; bytes: of the files."""

    files: tuple[str, ...]
    kept: tuple[int, ...]
    bytes: int


@dataclass(frozen=True)
class _Commit:
    at_ms: int
    added: frozenset[str]
    removed: frozenset[str]


def surplus(path: str, wanted: Collection[int], keep: timedelta, as_of: datetime | None) -> Surplus:
    """What vacuum may delete of the table at `path`; without a JVM.

    wanted: versions that are kept whatever their age. Others are kept for `keep` after they were replaced, counted back
    from `as_of`; by default from the newest commit, so that the clock decides nothing. Files that no version knows,
    which a killed writer leaves, are kept as long.
    Raises WarehouseError if the log is not whole.
    """
    commits, found = _commits(path), _data_files(path)
    until_ms = commits[-1].at_ms if as_of is None else int(as_of.timestamp() * 1000)
    from_ms = until_ms - int(keep.total_seconds() * 1000)
    head = len(commits) - 1
    kept = {head, *(version for version in range(head) if commits[version + 1].at_ms >= from_ms), *wanted}
    needed = _needed(commits, kept)
    known = {name for commit in commits for name in commit.added}
    gone = [
        name
        for name, seen in found.items()
        if name not in needed and (name in known or seen.mtime_ns < from_ms * 1_000_000)
    ]
    return Surplus(tuple(gone), tuple(sorted(kept)), sum(found[name].size for name in gone))


def vacuum(table: str, path: str, wanted: Collection[int], keep: timedelta, as_of: datetime | None) -> Surplus:
    """Delete the surplus while no other process may write the table; returns what it was."""
    lock.hold(table, path)
    try:
        found = surplus(path, wanted, keep, as_of)
        if found.files:
            fault.point(f"vacuum:{table}:before")
            _delete(table, path, found.files)
            fault.point(f"vacuum:{table}:after")
        return found
    finally:
        lock.release(path)


def _delete(table: str, path: str, names: Collection[str]) -> None:
    store, base = arrow_place(path)
    folder = lock.local_path(path)
    for name in names:
        try:
            store.delete_file(f"{base}/{name}")
        except OSError as error:
            raise WarehouseError(f"{table}: {path}/{name} could not be deleted ({error}); run again") from None
        if folder is not None:
            file = folder / name
            file.with_name(f".{file.name}.crc").unlink(missing_ok=True)


def _commits(path: str) -> list[_Commit]:
    """Every commit of the table, each at an instant after the one before, as Delta has it."""
    from pyarrow import fs

    store, base = arrow_place(path)
    found: list[_Commit] = []
    selected = store.get_file_info(fs.FileSelector(f"{base}/_delta_log", allow_not_found=True))
    logs = sorted(info.path for info in selected if _COMMIT.fullmatch(info.base_name))
    if [int(log[-25:-5]) for log in logs] != list(range(len(logs))) or not logs:
        raise WarehouseError(
            f"{path}: commits are missing in its log, so nothing is known to be needless; nothing is done"
        )
    if lock.local_path(path) is not None:
        must_be_whole(path, logs)  # a commit that lost a line would make a needed file look needless
    for log in logs:
        with store.open_input_stream(log) as stream:
            content = stream.readall()
        try:
            actions = [json.loads(line) for line in content.decode().splitlines() if line]
        except ValueError:
            raise WarehouseError(f"{log} is damaged; put it back from a copy of the table; nothing is done") from None
        at_ms = max((action["commitInfo"]["timestamp"] for action in actions if "commitInfo" in action), default=0)
        added = frozenset(_names(actions, "add"))
        found.append(
            _Commit(max(at_ms, found[-1].at_ms + 1 if found else 0), added, frozenset(_names(actions, "remove")))
        )
    return found


def _names(actions: list[dict[str, Any]], kind: str) -> Iterator[str]:
    for action in actions:
        if kind in action:
            if action[kind].get("deletionVector"):
                raise WarehouseError("deletion vectors: Headrace's tables have none; nothing is done")
            yield unquote(action[kind]["path"])


def _needed(commits: list[_Commit], kept: Collection[int]) -> set[str]:
    """The files that hold the versions `kept`."""
    held: set[str] = set()
    needed: set[str] = set()
    for version, commit in enumerate(commits):
        held -= commit.removed
        held |= commit.added
        if version in kept:
            needed |= held
    return needed


def _data_files(path: str) -> dict[str, fs.FileInfo]:
    """The data files there are, whoever wrote them, by their places in the table's folder; names that begin with a dot
    or an underscore are Delta's own."""
    from pyarrow import fs

    store, base = arrow_place(path)
    there = store.get_file_info(fs.FileSelector(base, recursive=True))
    files = {info.path.removeprefix(f"{base}/"): info for info in there if info.type == fs.FileType.File}
    return {
        name: files[name]
        for name in sorted(files)
        if name.endswith(".parquet") and not any(part.startswith((".", "_")) for part in name.split("/"))
    }
