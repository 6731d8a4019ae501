"""Raw files as they are read: records out of a file's bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.contracts.records import fields_of
from pipelines.contracts.sources import Source
from pipelines.io.raw_record import RawRecord
from pipelines.io.records import RawFile, file_columns


def records_of(folder: Path, content: bytes, source: Source, name: str = "f") -> list[RawRecord]:
    """The records of a file with this content."""
    path = folder / name
    path.write_bytes(content)
    return out_of(file_columns(RawFile(name, str(path), "0" * 64, source, 0)))


def out_of(batches: Iterable[pa.RecordBatch]) -> list[RawRecord]:
    """The records in columns, one by one."""
    rows = [row for batch in batches for row in batch.to_pylist()]
    return [RawRecord(row["_position"], row["_raw"], fields_in(row), row["_problem"] or "") for row in rows]


def fields_in(row: Mapping[str, Any]) -> dict[str, str | None]:
    """The fields of a record, whichever way they are kept."""
    text = row["_raw"] if row["_plain"] is None else row["_plain"]
    return fields_of(text, row["_header"]) if row["_fields"] is None else dict(row["_fields"])
