"""How long the way of a line was planned to be, and what stands in place of what is missing."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from tests.reference_domains.scms_late.domain import NAMES, WHOSE


def lines(rows: DataFrame) -> DataFrame:
    """Days from quote and order to the scheduled day; why there is no day, weight or freight; names as numbers.

    A number is 24 bits of a checksum, which boosting's 32-bit floats hold as it is. It says no more than whose name it
    is, as do places in an alphabet of all names; but those would be others once new names are there.
    """
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
    codes = {f"{name}_code": F.shiftright(F.crc32(name), 8).cast("double") for name in NAMES}
    first = {"first_line": F.col("is_first_line").cast("double")}
    return rows.withColumns(days | kinds | first | codes)


def outcomes(rows: DataFrame) -> DataFrame:
    """The outcome once for each column whose shares are counted, since features are named by what they count."""
    return rows.withColumns({f"late_of_{of}": F.col("is_late") for of in WHOSE})
