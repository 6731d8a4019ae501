"""Arrow rows into parquet files that a commit can add to a Delta table; in any process, without a JVM."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from pipelines.io.integrity import leave_checksums
from pipelines.io.lock import local_path
from pipelines.io.row_marks import unmarked
from pipelines.io.s3 import arrow_place

_INSTANT = pa.timestamp("us", tz="UTC")
_FIRST_ROWS = 20_000
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
    file = Writing(folder, schema)
    for batch in batches:
        file.put(batch)
    return file.done()


class Writing:
    """A file of the table in `folder`, from its first rows on."""

    def __init__(self, folder: str, schema: pa.Schema) -> None:
        self._folder, self._schema = folder, schema
        self._name = f"part-{uuid4()}.zstd.parquet"
        self._nulls: Counter[str] = Counter()
        self._written: list[pq.FileMetaData] = []  # as soon as it is whole
        self._writer: pq.ParquetWriter | None = None

    def put(self, rows: pa.RecordBatch) -> None:
        """Write these rows as a row group."""
        if rows.num_rows:
            self._writer = self._writer or self._begun(rows)
            self._writer.write_batch(rows, row_group_size=rows.num_rows)
            for field, column in zip(rows.schema, rows.columns, strict=True):
                if not pa.types.is_struct(field.type):  # of which the log would want a count for each field
                    self._nulls[field.name] += column.null_count

    def done(self) -> tuple[NewFile, ...]:
        """The file, whole; none if it has no rows."""
        if self._writer is None:
            return ()
        self._writer.close()
        if (local := local_path(self._folder)) is not None:
            leave_checksums(local / self._name)
        store, place = _place(self._folder, self._name)
        size = store.get_file_info(place).size
        statistics = _statistics(self._schema, self._nulls, self._written[0])
        return (NewFile(self._name, size, time.time_ns() // 1_000_000, statistics),)

    def _begun(self, rows: pa.RecordBatch) -> pq.ParquetWriter:
        if (local := local_path(self._folder)) is not None:
            local.mkdir(parents=True, exist_ok=True)
        store, place = _place(self._folder, self._name)
        columns = [path for column in self._schema.names for path in _repeating(column, rows[column])]
        return pq.ParquetWriter(
            place,
            self._schema,
            filesystem=store,
            compression="zstd",
            use_dictionary=columns,
            metadata_collector=self._written,
        )


def write_without(folder: str, name: str, gone: Sequence[str], schema: pa.Schema) -> tuple[NewFile, ...]:
    """Write what a file of the table in `folder` holds as another, but for some rows; none if it holds no more.

    gone: the rows, as `row_marks` has it. schema: the table's; a column that the file lacks the new one lacks, too.
    """
    store, place = _place(folder, name)
    # Spark's default for instants, INT96, would be nanoseconds
    with pq.ParquetFile(place, filesystem=store, coerce_int96_timestamp_unit="us") as held:
        there = [schema.field(column) for column in held.schema_arrow.names]
        file, left, at = Writing(folder, pa.schema(there)), unmarked(gone, held.metadata.num_rows), 0
        for group in range(held.num_row_groups):
            rows = held.read_row_group(group)
            kept = rows.filter(pa.array(left[at : at + len(rows)])).cast(pa.schema(there)).combine_chunks()
            at += len(rows)
            for batch in kept.to_batches():
                file.put(batch)
        return file.done()


def remove(folder: str, files: Iterable[NewFile]) -> None:
    """Delete files that no commit will add to the table in `folder`."""
    for file in files:
        store, place = _place(folder, file.path)
        store.delete_file(place)
        if (local := local_path(folder)) is not None:
            (local / f".{file.path}.crc").unlink(missing_ok=True)


def _place(folder: str, name: str) -> tuple[fs.FileSystem, str]:
    store, place = arrow_place(folder)
    return store, f"{place}/{name}"


def _repeating(path: str, rows: pa.Array) -> list[str]:
    """Of which columns parquet shall look for values that repeat, by what the first rows hold; where they do not, that
    is not seen before a megabyte is tried of each row group, and what was tried takes more room than without."""
    kind = rows.type
    if pa.types.is_map(kind):
        return [f"{path}.key_value.key", f"{path}.key_value.value"]
    if pa.types.is_list(kind):
        return _repeating(f"{path}.list.element", rows.values)
    if pa.types.is_struct(kind):
        return [leaf for field in kind for leaf in _repeating(f"{path}.{field.name}", rows.field(field.name))]
    if pa.types.is_null(kind):
        return []
    first = rows[:_FIRST_ROWS].drop_null()
    return [path] if 2 * pc.count_distinct(first).as_py() <= len(first) else []


def _statistics(schema: pa.Schema, nulls: Mapping[str, int], written: pq.FileMetaData) -> str:
    """What Delta keeps of a file: how many rows, how many nulls of each column, and between which bounds whole numbers,
    days, instants and short texts lie, which parquet has found out."""
    least, greatest = {}, {}
    groups = [written.row_group(number) for number in range(written.num_row_groups)]
    places = {groups[0].column(place).path_in_schema: place for place in range(written.num_columns)}
    for name in (field.name for field in schema if _is_bounded(field.type)):
        bounds = _bounds([group.column(places[name]).statistics for group in groups])
        if bounds is not None:
            least[name], greatest[name] = map(_told, bounds)
    return json.dumps(
        {"numRecords": written.num_rows, "minValues": least, "maxValues": greatest, "nullCount": dict(nulls)}
    )


def _bounds(told: Sequence[pq.Statistics]) -> tuple[Any, Any] | None:
    """Of a column in all row groups; None if it has nothing but nulls, or text that is long."""
    found = [(of.min, of.max) for of in told if of.has_min_max]
    if not found or any(not of.has_min_max and of.num_values for of in told):
        return None
    bounds = min(low for low, _ in found), max(high for _, high in found)
    return None if any(isinstance(bound, str) and len(bound) > _LONGEST_BOUND for bound in bounds) else bounds


def _is_bounded(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_string(kind) or pa.types.is_date32(kind) or kind == _INSTANT


def _told(bound: Any) -> Any:
    """A bound as the log has it: of an instant no more than milliseconds, cut down for either bound."""
    if isinstance(bound, dt.datetime):
        return f"{bound.astimezone(dt.UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    return bound.isoformat() if isinstance(bound, dt.date) else bound
