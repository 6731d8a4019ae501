"""Raw files to raw records: every record with its place and its text, whatever state it is in."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa

from pipelines.contracts.sources import Source
from pipelines.io import packed
from pipelines.io.csv_records import csv_records
from pipelines.io.json_records import json_records
from pipelines.io.raw_record import RawRecord
from pipelines.io.raw_text import lines, printable

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RECORDS_A_BATCH = 10_000

SCHEMA = pa.schema(
    [
        ("_file", pa.string()),
        ("_position", pa.int64()),
        ("_record_id", pa.string()),
        ("_raw", pa.string()),
        ("_problem", pa.string()),
        ("_fields", pa.map_(pa.string(), pa.string())),
        ("_delivered_at", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True)
class RawFile:
    """What a worker needs to read one landed file. path: as it was delivered; sha256: of what is in it, once unpacked;
    delivered_us: the logical date in microseconds since 1970.
    """

    name: str
    path: str
    sha256: str
    source: Source
    delivered_us: int


def records(spark: SparkSession, files: list[RawFile]) -> DataFrame:
    """All records of `files`, one row each: _file, _position, _record_id, _raw, _problem, _fields, _delivered_at.

    A file is read by one task, so a quoted line break stays inside its record. _record_id is unique to a file's
    content and the record's place in it: the same bytes delivered again would carry the same ids.
    """

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from _batches(files[number])

    types = (
        "_file string, _position long, _record_id string, _raw string, _problem string, "
        "_fields map<string,string>, _delivered_at timestamp"
    )
    tasks = min(len(files), 3 * spark.sparkContext.defaultParallelism)
    return spark.range(0, len(files), 1, max(1, tasks)).mapInArrow(read, types)


def _batches(file: RawFile) -> Iterator[pa.RecordBatch]:
    chunk: list[RawRecord] = []
    for record in file_records(file):
        chunk.append(record)
        if len(chunk) == RECORDS_A_BATCH:
            yield _batch(file, chunk)
            chunk = []
    if chunk:
        yield _batch(file, chunk)


def _batch(file: RawFile, chunk: list[RawRecord]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [
            pa.array([file.name] * len(chunk), pa.string()),
            pa.array([r.position for r in chunk], pa.int64()),
            pa.array([f"{file.sha256[:20]}-{r.position}" for r in chunk], pa.string()),
            pa.array([printable(r.raw) for r in chunk], pa.string()),
            pa.array([r.problem or None for r in chunk], pa.string()),
            pa.array([list(r.fields.items()) for r in chunk], pa.map_(pa.string(), pa.string())),
            pa.array([file.delivered_us] * len(chunk), pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        ],
        schema=SCHEMA,
    )


def file_records(file: RawFile) -> Iterator[RawRecord]:
    """The records of one file in order. Bytes that are no text make their record a problem, not the file; what is wrong
    with a file as a whole is a record of its own at position 0."""
    with Path(file.path).open("rb") as stream:
        content = packed.unpacked(stream, file.path)
        if packed.is_gzip(file.path) and file.source.format in _READ_FROM_THE_END:
            content = io.BytesIO(content.read())
        yield from _READERS[file.source.format](content, file.source)


def _csv(stream: IO[bytes], source: Source) -> Iterator[RawRecord]:
    not_text = f"not {source.encoding.upper()}"
    try:
        yield from csv_records(lines(stream, source.encoding), source.delimiter, source.quote, not_text)
    except UnicodeError as error:  # UTF-16 that does not say which byte of a unit comes first
        yield RawRecord(0, "", problem=f"{not_text}: {error}")


def _json(stream: IO[bytes], source: Source) -> Iterator[RawRecord]:
    not_text = f"not {source.encoding.upper()}"
    try:
        yield from json_records(lines(stream, source.encoding), not_text)
    except UnicodeError as error:
        yield RawRecord(0, "", problem=f"{not_text}: {error}")


# a run that reads neither shall not wait for their libraries


def _parquet(stream: IO[bytes], source: Source) -> Iterator[RawRecord]:
    from pipelines.io.parquet_records import parquet_records

    yield from parquet_records(stream)


def _excel(stream: IO[bytes], source: Source) -> Iterator[RawRecord]:
    from pipelines.io.excel_records import excel_records

    yield from excel_records(stream, source.sheet)


_READ_FROM_THE_END = ("parquet", "excel")
_READERS: Mapping[str, Callable[[IO[bytes], Source], Iterator[RawRecord]]] = {
    "csv": _csv,
    "jsonl": _json,
    "parquet": _parquet,
    "excel": _excel,
}
