"""The declaration of the grid's load: an hour is named by the local time at which it ends.

Of 145,366 records, no hour ends at 03:00 on the days when the clock goes forward. Where it goes back, 02:00 should
stand twice: it does in 2014 to 2017, and stands not at all before. One more hour is missing, 2010-12-10 00:00.
"""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

LOAD = Table(
    "load",
    source="hours",
    key=("hour_ends_at",),
    event_time="hour_ends_at",
    available_at="hour_ends_at",
    columns=(
        Column("hour_ends_at", "timestamp"),
        Column("local_hour", "string", field="Datetime", doc="as it was written: dd-MM-yyyy HH:mm in New York"),
        Column("load_mw", "double", field="PJME_MW", unit="MW"),
        Column("is_order_inferred", "boolean", doc="which of the two hours of this name it is, the loads tell"),
    ),
    expect=(quarantine("load_is_positive", "load_mw > 0"),),
    doc="The mean load of an hour.",
)
DOMAIN = Domain(
    name="pjme",
    owner="grid-analytics",
    question="How much load must be served in the next hours?",
    sources=(Source("hours", format="csv"),),
    tables=(LOAD,),
)
