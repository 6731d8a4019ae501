"""bronze: every record as it came, with its place, its delivery and the attempt that kept it."""

from __future__ import annotations

from datetime import datetime

import pyarrow as pa

_PROVENANCE = (("_batch", pa.int64()), ("_attempt", pa.int64()), ("ingested_at", pa.timestamp("us", tz="UTC")))


def keep(records: pa.RecordBatch, *, batch: int, attempt: int, ingested_at: datetime) -> pa.RecordBatch:
    """The raw records of one source as they are kept; where they are read, which may be anywhere.

    records: in any columns. ingested_at is provenance: in no feature, hash or comparison.
    """
    for (name, kind), value in zip(_PROVENANCE, (batch, attempt, ingested_at), strict=True):
        records = records.append_column(pa.field(name, kind), pa.repeat(pa.scalar(value, kind), records.num_rows))
    return records
