"""Parquet to raw records: a row is a record, its values are text that loses nothing of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.types as t

from pipelines.io.raw_record import RawRecord
from pipelines.io.raw_text import has_no_text, text_of

ROWS_AT_ONCE = 10_000
_UNREADABLE = (pa.ArrowException, OSError)  # what pyarrow raises over damaged bytes


def parquet_records(stream: IO[bytes]) -> Iterator[RawRecord]:
    """Records of a Parquet file by the number of their row, from 1; the raw text is the row as JSON.

    Instants have six digits after the second, and end in Z (UTC) if the file knows their zone. Nested values are JSON.
    Rows that cannot be read are one record that says which; a file that cannot be opened is one at position 0.
    """
    try:
        file = pq.ParquetFile(stream)
        names = file.schema_arrow.names
    except _UNREADABLE as error:
        yield RawRecord(0, "", problem=f"not Parquet: {_first_line(error)}")
        return
    problem = "the schema names a field twice" if len(set(names)) < len(names) else ""
    first = 1
    for group in range(file.num_row_groups):
        last = first + file.metadata.row_group(group).num_rows - 1
        position = first
        batches = file.iter_batches(ROWS_AT_ONCE, [group])
        why = "there are fewer rows"
        while position <= last:
            try:
                batch = next(batches, None)
            except _UNREADABLE as error:
                why, batch = _first_line(error), None
            if batch is None:
                yield RawRecord(position, "", problem=f"rows {position} to {last} cannot be read: {why}")
                break
            for fields in _rows(batch, names):
                yield _record(position, fields, problem)
                position += 1
        first = last + 1


def _record(position: int, fields: list[tuple[str, str | None]], problem: str) -> RawRecord:
    raw = json.dumps(dict(fields), ensure_ascii=False)
    problem = problem or ("not UTF-8" if has_no_text(raw) else "")
    return RawRecord(position, raw, {} if problem else dict(fields), problem)


def _rows(batch: pa.RecordBatch, names: list[str]) -> Iterator[list[tuple[str, str | None]]]:
    columns = [_texts(column) for column in batch.columns]
    for row in range(batch.num_rows):
        yield [(name, column[row]) for name, column in zip(names, columns, strict=True)]


def _texts(column: pa.Array) -> list[str | None]:
    """The values as text; bytes that are no text stay in it and can be told."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if t.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    try:
        if t.is_nested(kind):
            column.validate(full=True)
            values = column.to_pylist()
            return [None if each is None else json.dumps(each, ensure_ascii=False, default=str) for each in values]
        if t.is_timestamp(kind):
            column = _instants(column)
        elif t.is_duration(kind):
            column = column.cast(pa.int64())
        elif t.is_float16(kind):
            column = column.cast(pa.float32())
        text = column.cast(pa.string())
        text.validate(full=True)
        found: list[str | None] = text.to_pylist()
        return [value and value.replace(" ", "T", 1) for value in found] if t.is_timestamp(kind) else found
    except pa.ArrowException:  # a value that its type cannot have, or bytes that are no text
        return [_text(value) for value in column]


def _instants(column: pa.Array) -> pa.Array:
    """To microseconds, unless that would lose some of them; in UTC if there is a zone."""
    micros = pa.timestamp("us", tz="UTC" if column.type.tz else None)
    try:
        return column.cast(micros)
    except pa.ArrowInvalid:
        return column.cast(pa.timestamp(column.type.unit, tz=micros.tz))


def _text(value: pa.Scalar) -> str | None:
    if not value.is_valid:
        return None
    try:
        found = value.as_py()
        return text_of(found) if isinstance(found, bytes) else str(found)
    except UnicodeDecodeError as error:
        return text_of(error.object)
    except (ValueError, OverflowError):  # an instant beyond Python's years
        return str(value.value)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
