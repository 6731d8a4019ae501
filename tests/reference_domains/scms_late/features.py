"""How long the way of a line was planned to be, and what stands in place of what is missing."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

_WHOSE = ("vendor", "country", "project_code", "manufacturing_site")


def lines(rows: DataFrame) -> DataFrame:
    """Days from quote and order to the scheduled day; why there is no day, weight or freight."""
    days = {
        f"{name}_lead_d": F.datediff("scheduled_at", f"{name}_sent_on").cast("double") for name in ("quote", "order")
    }
    notes = {"quote": "quote_sent_note", "order": "order_sent_note", "weight": "weight_note", "freight": "freight_note"}
    kinds = {
        f"{name}_kind": F.when(F.col(note).isNull(), "given")
        .when(F.col(note).startswith("See "), "elsewhere")
        .otherwise(F.col(note))
        for name, note in notes.items()
    }
    return rows.withColumns(days | kinds)


def outcomes(rows: DataFrame) -> DataFrame:
    """The outcome once for each column whose shares are counted, since features are named by what they count."""
    return rows.withColumns({f"late_of_{of}": F.col("is_late") for of in _WHOSE})
