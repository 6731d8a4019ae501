"""Raw files to raw records: every record with its place and its text, whatever state it is in."""

from __future__ import annotations

import heapq
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.deliveries import Brought
from pipelines.contracts.sources import Source
from pipelines.io import new_files, packed
from pipelines.io.arrow_alone import without_pandas
from pipelines.io.csv_blocks import csv_columns
from pipelines.io.json_records import json_records
from pipelines.io.new_files import NewFile
from pipelines.io.raw_record import FIELDS, RawRecord, Tally, in_columns
from pipelines.io.raw_text import Undecodable, blocks, lines

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

RECORDS_A_BATCH = 10_000
CHARACTERS_A_BLOCK = 1 << 22
Stamped = Callable[[pa.RecordBatch], pa.RecordBatch]

SCHEMA = pa.schema(
    [
        ("_file", pa.string()),
        ("_position", pa.int64()),
        ("_record_id", pa.string()),
        ("_raw", pa.string()),
        ("_problem", pa.string()),
        ("_fields", FIELDS),
        ("_plain", pa.string()),
        ("_header", pa.string()),
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
    """All records of `files`, one row each, in the columns of SCHEMA.

    A file is read by one task, so a quoted line break stays inside its record. _record_id is unique to a file's
    content and the record's place in it: the same bytes delivered again would carry the same ids.
    """

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for number in batch.column(0).to_pylist():
                yield from _batches(files[number])

    types = (
        "_file string, _position long, _record_id string, _raw string, _problem string, "
        "_fields map<string,string>, _plain string, _header string, _delivered_at timestamp"
    )
    tasks = min(len(files), 3 * spark.sparkContext.defaultParallelism)
    return spark.range(0, len(files), 1, max(1, tasks)).mapInArrow(read, types)


def keep(
    spark: SparkSession, files: list[RawFile], folder: str, stamped: Stamped
) -> tuple[list[NewFile], list[Brought]]:
    """Write all records of `files` into `folder`, and count them; nothing is committed.

    stamped: gives records, as they are kept, in the columns of `kept_schema`. Spark does no more than share out the
    files: rows that go through its driver's JVM and back into a file take several times as long.
    """

    def write(shares: Iterable[list[RawFile]]) -> Iterator[tuple[list[NewFile], list[Brought]]]:
        yield keep_here((file for share in shares for file in share), folder, stamped)

    shares = _shared_out(files, spark.sparkContext.defaultParallelism)
    done = spark.sparkContext.parallelize(shares, len(shares)).mapPartitions(write).collect()
    return [file for written, _ in done for file in written], [each for _, brought in done for each in brought]


def keep_here(files: Iterable[RawFile], folder: str, stamped: Stamped) -> tuple[list[NewFile], list[Brought]]:
    """`keep` by this process alone."""
    without_pandas()
    tally = Tally()
    rows = (tally.counted(part) for file in files for part in _placed_blocks(file))
    written = new_files.write(folder, kept_schema(stamped), map(stamped, rows))
    return list(written), tally.brought()


def _shared_out(files: Sequence[RawFile], tasks: int) -> list[list[RawFile]]:
    """The files in so many shares at most, about as large as each other, the largest first (Graham 1969)."""
    sizes = {file: Path(file.path).stat().st_size for file in files}
    shares: list[tuple[int, int, list[RawFile]]] = [(0, number, []) for number in range(min(tasks, len(files)))]
    for file in sorted(files, key=lambda file: -sizes[file]):
        size, number, share = heapq.heappop(shares)
        heapq.heappush(shares, (size + sizes[file], number, [*share, file]))
    return [share for _, _, share in sorted(shares, key=lambda share: (-share[0], share[1]))]


def kept_schema(stamped: Stamped) -> pa.Schema:
    """The columns of kept records."""
    return stamped(pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in SCHEMA], schema=SCHEMA)).schema


def _placed_blocks(file: RawFile) -> Iterator[pa.RecordBatch]:
    return (_placed(file, columns) for columns in file_columns(file))


def _batches(file: RawFile) -> Iterator[pa.RecordBatch]:
    for block in _placed_blocks(file):
        for begin in range(0, block.num_rows, RECORDS_A_BATCH):
            yield block.slice(begin, RECORDS_A_BATCH)


def _placed(file: RawFile, columns: pa.RecordBatch) -> pa.RecordBatch:
    """The records with their file, their id and their delivery."""
    count, position = columns.num_rows, columns["_position"]
    delivered_at = pa.scalar(file.delivered_us, pa.int64()).cast(pa.timestamp("us", tz="UTC"))
    return pa.RecordBatch.from_arrays(
        [
            pa.repeat(file.name, count),
            position,
            pc.binary_join_element_wise(file.sha256[:20], position.cast(pa.string()), "-"),
            *[columns[name] for name in ("_raw", "_problem", "_fields", "_plain", "_header")],
            pa.repeat(delivered_at, count),
        ],
        schema=SCHEMA,
    )


def file_columns(file: RawFile) -> Iterator[pa.RecordBatch]:
    """The records of one file in order, as COLUMNS. Bytes that are no text make their record a problem, not the file;
    what is wrong with a file as a whole is a record of its own at position 0."""
    with Path(file.path).open("rb") as stream:
        content = packed.unpacked(stream, file.path)
        if packed.is_gzip(file.path) and file.source.format in _READ_FROM_THE_END:
            content = io.BytesIO(content.read())
        yield from _READERS[file.source.format](content, file.source)


def _csv(stream: IO[bytes], source: Source) -> Iterator[pa.RecordBatch]:
    text, not_text = blocks(stream, source.encoding, CHARACTERS_A_BLOCK), _not_text(source)
    try:
        yield from csv_columns(text, source.delimiter, source.quote, not_text)
    except Undecodable as error:
        yield in_columns([_undecoded(not_text, error)])


def _json(stream: IO[bytes], source: Source) -> Iterator[pa.RecordBatch]:
    def read() -> Iterator[RawRecord]:
        try:
            yield from json_records(lines(stream, source.encoding), _not_text(source))
        except Undecodable as error:
            yield _undecoded(_not_text(source), error)

    yield from _chunks(read())


def _not_text(source: Source) -> str:
    return f"not {source.encoding.upper()}"


def _undecoded(not_text: str, error: Undecodable) -> RawRecord:
    return RawRecord(0, "", problem=f"{not_text}: {error}")


def _chunks(records: Iterator[RawRecord]) -> Iterator[pa.RecordBatch]:
    while chunk := list(islice(records, RECORDS_A_BATCH)):
        yield in_columns(chunk)


# a run that reads neither shall not wait for their libraries


def _parquet(stream: IO[bytes], source: Source) -> Iterator[pa.RecordBatch]:
    from pipelines.io.parquet_records import parquet_records

    yield from _chunks(parquet_records(stream))


def _excel(stream: IO[bytes], source: Source) -> Iterator[pa.RecordBatch]:
    from pipelines.io.excel_records import excel_records

    yield from _chunks(excel_records(stream, source.sheet))


_READ_FROM_THE_END = ("parquet", "excel")
_READERS: Mapping[str, Callable[[IO[bytes], Source], Iterator[pa.RecordBatch]]] = {
    "csv": _csv,
    "jsonl": _json,
    "parquet": _parquet,
    "excel": _excel,
}
