"""Hourly readings of meters, and twenty features of what was known an hour before each."""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Ewm, FeatureView, Lag, Last, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

LOAD = "load_kw"
LEAD_H = 1
LAGS_H = (0, 23, 47)
OPS = ("mean", "std", "min", "max")
SPANS_H = (6, 24, 72)
TOTAL_H = 24
LAST_ROWS = 12
HALF_LIVES_H, EWM_H = (0.5, 1.0), 24

RECENT = FeatureView(
    "recent",
    "readings",
    (
        Lag(LOAD, LAGS_H),
        *[Rolling(LOAD, op, hours) for hours in SPANS_H for op in OPS],
        Rolling(LOAD, "sum", TOTAL_H),
        Rolling(LOAD, "count", TOTAL_H),
        Last(LOAD, "mean", LAST_ROWS, 24),
        *[Ewm(LOAD, half_life_h, EWM_H) for half_life_h in HALF_LIVES_H],
    ),
    entity="meter_id",
)
LAGS, (TOTAL, COUNT, LAST, *EWMS) = RECENT.names()[: len(LAGS_H)], RECENT.names()[-5:]
"""The names of these columns, which every side gives them."""

DOMAIN = Domain(
    name="meters",
    owner="races",
    question="How fast do readings become features?",
    sources=(Source("readings", format="parquet"),),
    tables=(
        Table(
            "readings",
            source="readings",
            key=("meter_id", "read_at"),
            event_time="read_at",
            available_at="read_at",
            columns=(Column("meter_id", "string"), Column("read_at", "timestamp"), Column(LOAD, "double", unit="kW")),
        ),
    ),
    views=(RECENT,),
)


def rolling(op: str, hours: int) -> str:
    """The name of the column with `op` over so many hours."""
    return f"{LOAD}__{op}_{hours}h"
