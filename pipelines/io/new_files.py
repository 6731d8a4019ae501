"""Arrow rows into parquet files that a commit can add to a Delta table; in any process, without a JVM."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from pipelines.io.integrity import leave_checksums
from pipelines.io.lock import local_path

_INSTANT = pa.timestamp("us", tz="UTC")
_LONGEST_BOUND = 64  # characters; longer texts would only swell the log


@dataclass(frozen=True)
class NewFile:
    """A parquet file that no commit knows yet. path: in the table's folder; statistics: what the log tells of it."""

    path: str
    size: int
    written_ms: int
    statistics: str


def write(folder: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> tuple[NewFile, ...]:
    """Write the rows as one file of the table in `folder`; none if there are none. A batch is a row group."""
    name, told = f"part-{uuid4()}.zstd.parquet", _Statistics()
    local = local_path(folder)
    if local is None:
        # Imported here: where the root is local, no object store's library is waited for.
        from pipelines.io.object_store import object_store

        store, place = object_store(), f"{folder.partition('://')[2]}/{name}"
    else:
        local.mkdir(parents=True, exist_ok=True)
        store, place = fs.LocalFileSystem(), str(local / name)
    writer = None
    for batch in batches:
        if batch.num_rows:
            writer = writer or pq.ParquetWriter(
                place, schema, filesystem=store, compression="zstd", use_dictionary=_repeating(schema)
            )
            writer.write_batch(batch, row_group_size=batch.num_rows)
            told.take(batch)
    if writer is None:
        return ()
    writer.close()
    if local is not None:
        leave_checksums(local / name)
    return (NewFile(name, store.get_file_info(place).size, time.time_ns() // 1_000_000, told.as_json()),)


def _repeating(schema: pa.Schema) -> list[str] | bool:
    """The columns of which parquet shall look for values that repeat: they hardly do among floats, and that is not seen
    before a megabyte is tried. Parts of nested columns have other names there, so one of these has it look at all."""
    if any(pa.types.is_nested(field.type) for field in schema):
        return True
    return [field.name for field in schema if not pa.types.is_floating(field.type)]


@dataclass
class _Statistics:
    """What Delta keeps of a file: how many rows, how many nulls of each column, and between which bounds whole numbers,
    days, instants and short texts lie."""

    rows: int = 0
    nulls: Counter[str] = field(default_factory=Counter)
    bounds: dict[str, tuple[Any, Any]] = field(default_factory=dict)

    def take(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if not pa.types.is_struct(column.type):  # of which the log would want a count for each field
                self.nulls[name] += column.null_count
            if _is_bounded(column.type):
                least, greatest = pc.min_max(column).as_py().values()
                if least is not None:
                    before = self.bounds.get(name, (least, greatest))
                    self.bounds[name] = min(before[0], least), max(before[1], greatest)

    def as_json(self) -> str:
        short = {
            name: bounds
            for name, bounds in self.bounds.items()
            if all(not isinstance(bound, str) or len(bound) <= _LONGEST_BOUND for bound in bounds)
        }
        return json.dumps(
            {
                "numRecords": self.rows,
                "minValues": {name: _told(least) for name, (least, _) in short.items()},
                "maxValues": {name: _told(greatest) for name, (_, greatest) in short.items()},
                "nullCount": dict(self.nulls),
            }
        )


def _is_bounded(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_date32(kind) or kind == _INSTANT


def _told(bound: Any) -> Any:
    """A bound as the log has it: of an instant no more than milliseconds, cut down for either bound."""
    if isinstance(bound, dt.datetime):
        return f"{bound.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    return bound.isoformat() if isinstance(bound, dt.date) else bound
