"""What a Delta table's log says, without a JVM: versions, commits, rows and files.

deltalake is imported when a table is first opened: a run that finds nothing to do opens none.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import log_must_be_whole, must_be_whole
from pipelines.io.lock import local_path
from pipelines.io.s3 import deltalake_options

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import DeltaTable


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")  # deltalake colours what it says of a store


@dataclass(frozen=True)
class Commit:
    """One commit of a table; `stamp` is its userMetadata, "" without."""

    version: int
    operation: str
    stamp: str


def head(path: str) -> int | None:
    """The newest version of the table at `path`; None if there is no table."""
    table = _find(path)
    return None if table is None else int(table.version())


def commits_since(path: str, version: int) -> list[Commit]:
    """The commits after `version`, oldest first; none where there is no table."""
    table = _find(path)
    if table is None:
        return []
    newer = table.version() - version
    if newer <= 0:
        return []
    found = [Commit(c["version"], c["operation"], c.get("userMetadata") or "") for c in table.history(limit=newer)]
    return sorted(found, key=lambda commit: commit.version)


def transaction(path: str, application: str) -> int | None:
    """The highest transaction version that an application id has written at HEAD."""
    version = opened(path).transaction_version(application)
    return None if version is None else int(version)


def count(path: str, version: int) -> int:
    """How many rows a version holds, from the files' statistics: exact, since Delta's own writers keep them."""
    return int(opened(path, version).count())


def files(path: str, version: int) -> tuple[str, ...]:
    """The parquet files that hold a version, as absolute paths or URIs, in a stable order."""
    found = opened(path, version).file_uris()
    # deltalake writes a local path as a URI would have it, a blank as %20, but without the scheme that would tell so
    return tuple(sorted(map(unquote, found) if local_path(path) else found))


def sizes_by_name(path: str, version: int) -> dict[str, int]:
    """The bytes of each file that holds a version, by its place in the table's folder; in a stable order."""
    return dict(sorted((file["path"], file["size_bytes"]) for file in statistics(path, version)))


def whole_files(table: str, path: str, version: int) -> tuple[str, ...]:
    """`files`; WarehouseError unless all of them are whole. table: named in it. For readers other than Spark."""
    found = files(path, version)
    must_be_whole(table, found)
    return found


def sizes(path: str, version: int) -> tuple[int, ...]:
    """The bytes of each file that holds a version."""
    return tuple(file["size_bytes"] for file in statistics(path, version))


def tally(path: str, version: int) -> tuple[int, dict[str, int]]:
    """How many rows a version holds, and how many nulls each column that has any; from the files' statistics."""
    rows, nulls, prefix = 0, Counter[str](), "null_count."
    found = statistics(path, version)
    known = {key for file in found for key, count in file.items() if key.startswith(prefix) and count is not None}
    for file in found:
        rows += file["num_records"]
        for key in known:
            # a file that was written before the column was added has no statistics of it, and no value
            count = file[key]
            nulls[key.removeprefix(prefix)] += file["num_records"] if count is None else count
    return rows, {name: count for name, count in sorted(nulls.items()) if count}


def statistics(path: str, version: int) -> list[dict[str, Any]]:
    """What the log tells of each file that holds a version; among it `min.`, `max.` and `null_count.` of columns."""
    import pyarrow as pa

    return list(pa.table(opened(path, version).get_add_actions(flatten=True)).to_pylist())


def columns(path: str, version: int) -> tuple[str, ...]:
    """The names of a version's columns, in its order."""
    return tuple(field.name for field in opened(path, version).schema().fields)


def arrow_schema(path: str, version: int | None = None) -> pa.Schema:
    """The columns of a version (None: of HEAD) as Arrow has them."""
    import pyarrow as pa

    return pa.schema(opened(path, version).schema().to_arrow())


def must_hold(path: str, version: int, rows: int | None = None) -> None:
    """WarehouseError unless there is a table at `path` that still knows `version`, by a log that is whole.

    rows: how many it must hold, where the ledger knows that: a log can have lost whole lines.
    """
    table = _find(path, version)
    if table is None:
        raise WarehouseError(f"{path}: no table here, but version {version} is published; bring it back")
    if rows is not None and (held := int(table.count())) != rows:
        raise WarehouseError(
            f"{path}: its log tells of {held:,} rows at version {version}, but {rows:,} were published; "
            "put its _delta_log back from a copy, then run again"
        )


def opened(path: str, version: int | None = None) -> DeltaTable:
    """The table, opened; WarehouseError if there is none, or it cannot be opened."""
    table = _find(path, version)
    if table is None:
        raise WarehouseError(f"{path}: no table here, though the ledger knows it; bring it back")
    return table


def _find(path: str, version: int | None = None) -> DeltaTable | None:
    """The table, opened; None if there is none, WarehouseError if its log is damaged or it cannot be opened."""
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    log_must_be_whole(path, version)
    try:
        return DeltaTable(path, version=version, storage_options=deltalake_options(path))
    except TableNotFoundError:
        return None
    except OSError as error:
        if local_path(path) is not None:
            raise
        told = " ".join(_COLOUR.sub("", str(error)).split())
        raise WarehouseError(
            f"{path}: the store cannot be asked ({told}). Credentials, region and address are taken from AWS's "
            "environment and ~/.aws; correct them there, then run again"
        ) from None
    except DeltaError as error:
        which = "" if version is None else f" at version {version}"
        raise WarehouseError(f"{path}: cannot be opened{which}: {str(error).splitlines()[0]}") from None
