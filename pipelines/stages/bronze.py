"""bronze: every record as it came, with its place, its delivery and the attempt that kept it."""

from __future__ import annotations

from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.stages.changes import Change


def keep(domain: Domain, source: str, records: DataFrame, *, batch: int, attempt: int, ingested_at: datetime) -> Change:
    """Append the raw records of one source.

    records: `_file`, `_position`, `_record_id`, `_raw`, `_problem`, `_fields` (text by field name) or `_header` (then
    `_raw` has the fields), `_delivered_at`. ingested_at is provenance: in no feature, hash or comparison.
    """
    kept = records.withColumns(
        {
            "_batch": F.lit(batch).cast("long"),
            "_attempt": F.lit(attempt).cast("long"),
            "ingested_at": F.lit(ingested_at),
        }
    )
    return Change(domain.delta_table("bronze", source), "append", kept)
