"""A raw record: its place, its text and its fields, whatever state it is in."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.deliveries import Brought
from pipelines.io.raw_text import printable

FIELDS = pa.map_(pa.string(), pa.string())
COLUMNS = pa.schema(
    [
        ("_position", pa.int64()),
        ("_raw", pa.string()),
        ("_problem", pa.string()),
        ("_fields", FIELDS),
        ("_plain", pa.string()),
        ("_header", pa.string()),
    ]
)
"""What a file says of its records. `_header`, where it is there, names the fields in their order. Without `_fields`
the plain text is nothing but them and the delimiters between, and contracts.records.fields_of gives them; where there
is none, the raw text is that itself."""


@dataclass(frozen=True)
class RawRecord:
    """One record as it came. position: line of its first character, or row, from 1; 0 is the file itself.

    problem: why it has no fields, or "".
    """

    position: int
    raw: str
    fields: dict[str, str | None] = field(default_factory=dict)
    problem: str = ""


def in_columns(records: Sequence[RawRecord], header: str | None = None) -> pa.RecordBatch:
    """The records as COLUMNS, whatever bytes are in them. header: that of all that could be parsed."""
    return pa.RecordBatch.from_arrays(
        [
            pa.array([r.position for r in records], pa.int64()),
            pa.array([printable(r.raw) for r in records], pa.string()),
            pa.array([r.problem or None for r in records], pa.string()),
            pa.array([list(r.fields.items()) for r in records], FIELDS),
            pa.nulls(len(records), pa.string()),
            pa.array([None if r.problem else header for r in records], pa.string()),
        ],
        schema=COLUMNS,
    )


@dataclass
class Tally:
    """What files bring, counted while their records pass."""

    records: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    fields: defaultdict[tuple[str, str | None], set[str]] = field(default_factory=lambda: defaultdict(set))

    def counted(self, records: pa.RecordBatch) -> pa.RecordBatch:
        """The records of one file, as they are; `_file`, `_header` and `_fields` are among their columns."""
        if records.num_rows:
            file = records["_file"][0].as_py()
            for header in pc.value_counts(records["_header"]).to_pylist():
                self.records[file, header["values"]] += header["counts"]
            told = records["_fields"].filter(records["_header"].is_null()).drop_null()
            if len(told):
                begin, end = told.offsets[0].as_py(), told.offsets[-1].as_py()
                self.fields[file, None].update(pc.unique(told.keys[begin:end]).to_pylist())
        return records

    def brought(self) -> list[Brought]:
        return [
            Brought(file, header, count, frozenset(self.fields[file, header]))
            for (file, header), count in self.records.items()
        ]
