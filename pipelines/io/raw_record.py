"""A raw record: its place, its text and its fields, whatever state it is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from pipelines.io.raw_text import printable

FIELDS = pa.map_(pa.string(), pa.string())
COLUMNS = pa.schema(
    [
        ("_position", pa.int64()),
        ("_raw", pa.string()),
        ("_problem", pa.string()),
        ("_fields", FIELDS),
        ("_header", pa.string()),
    ]
)
"""What a file says of its records. Where `_header` is there, the raw text is nothing but the fields and the delimiters
between them: then `_fields` is null, and contracts.records.fields_of gives them."""


@dataclass(frozen=True)
class RawRecord:
    """One record as it came. position: line of its first character, or row, from 1; 0 is the file itself.

    problem: why it has no fields, or "".
    """

    position: int
    raw: str
    fields: dict[str, str | None] = field(default_factory=dict)
    problem: str = ""


def in_columns(records: Sequence[RawRecord]) -> pa.RecordBatch:
    """The records as COLUMNS, whatever bytes are in them."""
    return pa.RecordBatch.from_arrays(
        [
            pa.array([r.position for r in records], pa.int64()),
            pa.array([printable(r.raw) for r in records], pa.string()),
            pa.array([r.problem or None for r in records], pa.string()),
            pa.array([list(r.fields.items()) for r in records], FIELDS),
            pa.nulls(len(records), pa.string()),
        ],
        schema=COLUMNS,
    )
