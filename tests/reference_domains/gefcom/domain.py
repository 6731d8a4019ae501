"""The declaration of the load track: hourly load with 25 weather stations, and the organisers' benchmark forecast."""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

STATIONS = tuple(f"w{number}" for number in range(1, 26))
ZONE, HOUR = Column("zone_id", "string", field="ZONEID"), Column("hour_ends_at", "timestamp")

LOAD = Table(
    "load",
    source="load",
    key=("zone_id", "hour_ends_at"),
    event_time="hour_ends_at",
    available_at="hour_ends_at",
    columns=(
        ZONE,
        HOUR,
        Column("load_mw", "double", field="LOAD", unit="MW", nullable=True, doc="not given before 2005"),
        *[Column(f"{station}_f", "double", field=station, unit="°F") for station in STATIONS],
    ),
    expect=(
        quarantine("load_is_given_from_2005_on", "load_mw is not null or hour_ends_at <= '2005-01-01T00:00:00Z'"),
        quarantine("load_is_positive", "load_mw > 0"),
    ),
    doc="An hour's load and temperatures; the clock has 24 hours every day, so no daylight saving time.",
)
BENCHMARK = Table(
    "benchmark",
    source="benchmark",
    key=("zone_id", "hour_ends_at", "level"),
    event_time="hour_ends_at",
    columns=(
        ZONE,
        HOUR,
        Column("level", "decimal(3,2)", doc="of the quantile, 0.01 to 0.99"),
        Column("load_mw", "double", field="load", unit="MW"),
    ),
    doc="A forecast of the organisers: 99 quantiles an hour, each a row.",
)
DOMAIN = Domain(
    name="gefcom",
    owner="grid-analytics",
    question="How much load must be served next month?",
    sources=(
        Source("load", format="csv", files="*-train.csv"),
        Source("benchmark", format="csv", files="*-benchmark.csv"),
    ),
    tables=(LOAD, BENCHMARK),
)
