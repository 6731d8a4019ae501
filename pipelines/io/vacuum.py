"""Vacuum by inventory: only files that no version needs which is pinned, young, or what a model was made from.

Delta's own VACUUM knows nothing of pins, and would delete by age alone. Here the table's log is read as a whole, which
is possible because nothing of it is ever cleaned up, and VACUUM is given the files that it may delete and no others.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pipelines.io import fault, lock
from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import must_be_whole

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_INVENTORY = "headrace_inventory"
_SETTINGS = {
    # The inventory itself says what may go.
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    # Its two commits would move HEAD away from what is pinned.
    "spark.databricks.delta.vacuum.logging.enabled": "false",
}


@dataclass(frozen=True)
class Surplus:
    """Files of a table that no kept version needs. kept: the versions that stay readable; bytes: of the files."""

    files: tuple[Path, ...]
    kept: tuple[int, ...]
    bytes: int


@dataclass(frozen=True)
class _Commit:
    at_ms: int
    added: frozenset[str]
    removed: frozenset[str]


def surplus(folder: Path, wanted: Collection[int], keep: timedelta, as_of: datetime | None) -> Surplus:
    """What vacuum may delete of the table in `folder`; without a JVM.

    wanted: versions that are kept whatever their age. Others are kept for `keep` after they were replaced, counted back
    from `as_of`; by default from the newest commit, so that the clock decides nothing. Files that no version knows,
    which a killed writer leaves, are kept as long.
    Raises WarehouseError if the log is not whole.
    """
    commits = _commits(folder)
    until_ms = commits[-1].at_ms if as_of is None else int(as_of.timestamp() * 1000)
    from_ms = until_ms - int(keep.total_seconds() * 1000)
    head = len(commits) - 1
    kept = {head, *(version for version in range(head) if commits[version + 1].at_ms >= from_ms), *wanted}
    needed = _needed(commits, kept)
    known = {name for commit in commits for name in commit.added}
    found = {file: file.stat() for file in _data_files(folder)}
    names = {file: file.relative_to(folder).as_posix() for file in found}
    gone = [
        file
        for file, seen in found.items()
        if names[file] not in needed and (names[file] in known or seen.st_mtime * 1000 < from_ms)
    ]
    return Surplus(tuple(gone), tuple(sorted(kept)), sum(found[file].st_size for file in gone))


def vacuum(
    spark: Callable[[], SparkSession],
    table: str,
    folder: Path,
    wanted: Collection[int],
    keep: timedelta,
    as_of: datetime | None,
) -> Surplus:
    """Delete the surplus while no other process may write the table; returns what it was. spark: asked only if there
    is any."""
    lock.hold(table, str(folder))
    try:
        found = surplus(folder, wanted, keep, as_of)
        if found.files:
            fault.point(f"vacuum:{table}:before")
            _delete(spark(), folder, found.files)
            fault.point(f"vacuum:{table}:after")
            if left := [file for file in found.files if file.exists()]:
                raise WarehouseError(
                    f"{table}: {len(left)} files could not be deleted, {left[0]} among them; run again"
                )
        return found
    finally:
        lock.release(str(folder))


def _delete(spark: SparkSession, folder: Path, files: Collection[Path]) -> None:
    # paths must be written as Hadoop writes them, or none of them is recognised and nothing is deleted
    rows = [(f"file:{file}", seen.st_size, False, int(seen.st_mtime * 1000)) for file in files if (seen := file.stat())]
    columns = "path string, length long, isDir boolean, modificationTime long"
    spark.createDataFrame(rows, columns).createOrReplaceTempView(_INVENTORY)
    try:
        for name, value in _SETTINGS.items():
            spark.conf.set(name, value)
        place = str(folder).replace("`", "``")
        inventory = f"(SELECT path, length, isDir, modificationTime FROM {_INVENTORY})"
        spark.sql(f"VACUUM delta.`{place}` USING INVENTORY {inventory} RETAIN 0 HOURS")
    finally:
        for name in _SETTINGS:
            spark.conf.unset(name)
        spark.catalog.dropTempView(_INVENTORY)


def _commits(folder: Path) -> list[_Commit]:
    """Every commit of the table, each at an instant after the one before, as Delta has it."""
    found: list[_Commit] = []
    logs = sorted((folder / "_delta_log").glob("?" * 20 + ".json"))
    if [int(log.stem) for log in logs] != list(range(len(logs))) or not logs:
        raise WarehouseError(
            f"{folder}: commits are missing in its log, so nothing is known to be needless; nothing is done"
        )
    must_be_whole(str(folder), map(str, logs))  # a commit that lost a line would make a needed file look needless
    for log in logs:
        try:
            actions = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line]
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


def _data_files(folder: Path) -> list[Path]:
    """The data files there are, whoever wrote them; names that begin with a dot or an underscore are Delta's own."""
    return sorted(
        file
        for file in folder.rglob("*.parquet")
        if not any(part.startswith((".", "_")) for part in file.relative_to(folder).parts)
    )
