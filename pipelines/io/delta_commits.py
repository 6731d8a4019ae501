"""Commits that need no JVM: an empty table, files that come and files that go, a table's way back.

By deltalake, in hundredths of a second. Each is as Spark would have made it: stamped, with its checksum file, and a
checkpoint after every tenth.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.io import delta_log, fault
from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import leave_checksums
from pipelines.io.lock import local_path
from pipelines.io.s3 import deltalake_options

if TYPE_CHECKING:
    import pyarrow as pa
    from deltalake import CommitProperties, PostCommitHookProperties, Transaction
    from deltalake.transaction import RemoveAction

    from pipelines.io.new_files import NewFile

_CHECKPOINT_EVERY = 10  # commits, as Spark has it


def schema_of(columns: pa.Schema) -> str:
    """Arrow columns as JSON, which Delta and Spark write alike."""
    from deltalake import Schema

    return str(Schema.from_arrow(columns).to_json())


def create(path: str, schema: str, properties: Mapping[str, str], stamp: str) -> None:
    """Make an empty table. schema: as JSON."""
    from deltalake import DeltaTable, Schema

    (local_path(path) or Path()).mkdir(parents=True, exist_ok=True)
    DeltaTable.create(
        path,
        Schema.from_json(schema),
        configuration=dict(properties),
        storage_options=deltalake_options(path),
        commit_properties=_stamped(stamp),
        post_commithook_properties=_nothing_else(),
    )
    _leave_checksums(path, 0)


def add_columns(table: str, path: str, schema: str, stamp: str) -> None:
    """Add the columns of `schema` that the table lacks. WarehouseError where one is held in another type."""
    from deltalake import Schema

    opened = delta_log.opened(path)
    held = {field.name: field.type for field in opened.schema().fields}
    given = Schema.from_json(schema).fields
    conflicts = [
        f"'{field.name}' is held as {_told(held[field.name])}, but comes as {_told(field.type)}"
        for field in given
        if field.name in held and held[field.name] != field.type
    ]
    if conflicts:
        raise WarehouseError(f"{table}: column {'; '.join(conflicts)}; a held column keeps its type")
    if added := [field for field in given if field.name not in held]:
        opened.alter.add_columns(added, commit_properties=_stamped(stamp), post_commithook_properties=_nothing_else())
        _leave_checksums(path, opened.version())


def put(
    path: str,
    files: Sequence[NewFile],
    transaction: tuple[str, int],
    stamp: str,
    *,
    instead_of: Collection[str] = (),
) -> None:
    """Add files lying in the table's folder, by a transaction (application id, number); made again, it is skipped.

    instead_of: names of files which HEAD holds and then holds no more.
    """
    from deltalake.transaction import RemoveAction

    now_ms = time.time_ns() // 1_000_000
    _write(path, files, [RemoveAction(name, True, now_ms) for name in instead_of], transaction, stamp)


def put_alone(path: str, files: Sequence[NewFile], schema: str, transaction: tuple[str, int], stamp: str) -> None:
    """As `put`, in place of all that HEAD holds, columns included. schema: as JSON."""
    _write(path, files, [], transaction, stamp, schema)


def retype(path: str, schema: str, stamp: str) -> None:
    """Empty the table and give it other columns. schema: as JSON."""
    _write(path, [], [], None, stamp, schema)


def _write(
    path: str,
    files: Sequence[NewFile],
    removed: Sequence[RemoveAction],
    transaction: tuple[str, int] | None,
    stamp: str,
    schema: str = "",
) -> None:
    """schema: of the table from now on, which then holds nothing but the files; "" where both are to stay."""
    from deltalake import Schema, Transaction
    from deltalake.transaction import AddAction

    if transaction and (delta_log.transaction(path, transaction[0]) or 0) >= transaction[1]:
        return
    if transaction:
        fault.point(f"commit:{transaction[0]}:written")
    table = delta_log.opened(path)
    added = [AddAction(file.path, file.size, {}, file.written_ms, True, file.statistics) for file in files]
    table.create_write_transaction(
        [*added, *removed],
        mode="overwrite" if schema else "append",
        schema=Schema.from_json(schema) if schema else table.schema(),
        commit_properties=_stamped(stamp, *([Transaction(*transaction)] if transaction else [])),
        post_commithook_properties=_nothing_else(),
    )
    version = table.version() + 1
    _leave_checksums(path, version)
    if version % _CHECKPOINT_EVERY == 0:
        delta_log.opened(path).create_checkpoint()
        if (folder := local_path(path)) is not None:
            leave_checksums(folder / "_delta_log" / f"{version:020}.checkpoint.parquet")


def restore(path: str, version: int, stamp: str) -> None:
    """Commit a new version with the rows and the schema of `version`; transaction ids stay, as with Spark's RESTORE.

    0.02 s; Spark's RESTORE runs 34 jobs for the same, 3 to 10 s.
    """
    delta_log.must_hold(path, version)
    table = delta_log.opened(path)
    table.restore(version, commit_properties=_stamped(stamp), post_commithook_properties=_nothing_else())
    _leave_checksums(path, table.version())


def _told(kind: Any) -> str:
    return str(kind.to_json()).strip('"')


def _stamped(stamp: str, *transactions: Transaction) -> CommitProperties:
    from deltalake import CommitProperties

    return CommitProperties(custom_metadata={"userMetadata": stamp}, app_transactions=list(transactions) or None)


def _nothing_else() -> PostCommitHookProperties:
    """No checkpoint of deltalake's own choosing, and old versions are nobody's to forget."""
    from deltalake import PostCommitHookProperties

    return PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)


def _leave_checksums(path: str, version: int) -> None:
    if (folder := local_path(path)) is not None:
        leave_checksums(folder / "_delta_log" / f"{version:020}.json")
