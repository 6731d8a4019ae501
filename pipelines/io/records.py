"""Raw files to raw records: every record with its place and its text, whatever state it is in."""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LONGEST_FIELD = 1_000_000  # characters; a stray quote must not swallow more than this before it is found out
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
class RawRecord:
    """One record as it came. position: line of its first character, from 1. problem: why it has no fields, or ""."""

    position: int
    raw: str
    fields: dict[str, str | None] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True)
class RawFile:
    """What a worker needs to read one landed file; delivered_us is the logical date in microseconds since 1970."""

    name: str
    path: str
    sha256: str
    format: str
    delimiter: str
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
            pa.array([_printable(r.raw) for r in chunk], pa.string()),
            pa.array([r.problem or None for r in chunk], pa.string()),
            pa.array([list(r.fields.items()) for r in chunk], pa.map_(pa.string(), pa.string())),
            pa.array([file.delivered_us] * len(chunk), pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        ],
        schema=SCHEMA,
    )


def file_records(file: RawFile) -> Iterator[RawRecord]:
    """The records of one file in order; bytes that are not UTF-8 make their record a problem, not the file."""
    # newline="" keeps each line's own end; csv and JSON lines both split at \n, \r and \r\n then
    with Path(file.path).open(encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        if file.format == "csv":
            yield from csv_records(lines, file.delimiter)
        else:
            yield from json_records(lines)


class _Lines:
    """Lines with their numbers, that can be taken back: what `csv.reader` consumed for a record stays in `taken`."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._back = iter(lines), deque[str]()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self.number += 1
        self.taken.append(line)
        return line

    def keep_first_only(self) -> None:
        """Give back all lines of this record but its first."""
        self._back.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        del self.taken[1:]


def csv_records(text: Iterable[str], delimiter: str) -> Iterator[RawRecord]:
    """Records of a CSV whose first record is the header; `text` yields lines with their ends.

    A quoted line break is one record. Where a stray quote swallows lines, its own line alone is the broken record and
    the lines after it are read afresh.
    """
    csv.field_size_limit(LONGEST_FIELD)
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    header_problem = ""
    while True:
        lines.taken.clear()
        problem, tokens = "", []
        try:
            tokens = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"not CSV: {error}"
        if header is None:
            header, header_problem = [token.strip() for token in tokens], problem
            if not problem and len(set(header)) < len(header):
                header_problem = "the header names a field twice"
            if problem:
                lines.keep_first_only()
            continue
        if not problem and len(tokens) != len(header) and tokens:
            problem = f"{len(tokens)} fields where the header has {len(header)}"
        if problem and len(lines.taken) > 1:
            lines.keep_first_only()
            problem = "a quote that is never closed"
        raw = "".join(lines.taken)
        if not tokens and not problem:
            continue  # a blank line is no record
        position = lines.number - len(lines.taken) + 1
        problem = header_problem or problem or _encoding_problem(raw)
        yield RawRecord(
            position, raw.rstrip("\r\n"), {} if problem else dict(zip(header, tokens, strict=True)), problem
        )


def json_records(text: Iterable[str]) -> Iterator[RawRecord]:
    """Records of JSON lines: one object a line; numbers keep their digits, nested values their JSON."""
    for position, line in enumerate(text, 1):
        raw = line.rstrip("\r\n")
        if not raw.strip():
            continue
        problem, fields = _encoding_problem(raw), {}
        if not problem:
            try:
                fields = _object(raw)
            except (ValueError, RecursionError) as error:
                problem = f"not a JSON object: {error}"
        yield RawRecord(position, raw, fields, problem)


def _object(raw: str) -> dict[str, str | None]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a name stands twice in one object")
        return dict(pairs)

    content = json.loads(raw, object_pairs_hook=unique, parse_float=_Digits, parse_int=_Digits, parse_constant=_Digits)
    if not isinstance(content, dict):
        raise ValueError("the line holds no object")
    fields = {name: _text(value) for name, value in content.items()}
    "".join([*fields, *(value or "" for value in fields.values())]).encode()  # half a surrogate pair is no text
    return fields


class _Digits(str):
    """A number as it was written."""


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    return json.dumps(value, ensure_ascii=False)


def _encoding_problem(raw: str) -> str:
    if raw.isascii() or not any("\udc80" <= character <= "\udcff" for character in raw):
        return ""
    return "not UTF-8"


def _printable(raw: str) -> str:
    """The raw text as valid Unicode: bytes that are not UTF-8 are shown as backslash escapes."""
    return raw if raw.isascii() else raw.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
