"""The declaration of the load track: hourly load with 25 weather stations, and the organisers' benchmark forecast.

The task asks what an hour's load is at temperatures that are known. What the load of a month to come may be follows
from the temperatures that it may have.
"""

from __future__ import annotations

from datetime import timedelta

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import AsOf, FeatureView, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, Span, Spine, utc

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
    computed=(Column("temp_f", "double", unit="°F", doc="mean of the stations"),),
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
HOUR = timedelta(hours=1)
VIEWS = (
    FeatureView(
        "warmth",
        table="load",
        entity="zone_id",
        features=(
            AsOf("temp_f", ttl_hours=1),
            *[Rolling("temp_f", "mean", hours=hours) for hours in (3, 24, 72, 168)],
            Rolling("temp_f", "min", hours=24),
            Rolling("temp_f", "max", hours=24),
        ),
        doc="how warm the hour is, and was before it",
    ),
    FeatureView(
        "clock",
        table="",
        moment="target",
        features=(Calendar(("time_of_day", "weekday", "day_of_year", "is_holiday"), country="US"),),
        doc="when the hour ends",
    ),
)
LOAD_MW = Forecast(
    column="load_mw",
    table="load",
    unit="MW",
    spine=Spine("load", entity="zone_id", every=HOUR),
    step=HOUR,
    steps=1,
    label_known_after=HOUR,
    quantiles=(0.05, 0.15, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 0.95),
    views=tuple(view.name for view in VIEWS),
    families=("seasonal_naive", "xgboost"),
    split=ByTime(
        train=Span(utc("2005-01-02"), utc("2009-12-31")),
        validate=Span(utc("2010-01-01"), utc("2010-07-01")),
        calibrate=Span(utc("2010-07-02"), utc("2010-12-31")),
        test=Span(utc("2011-01-01 01:00"), utc("2012-01-01 01:00")),
        gap=2 * HOUR,
    ),
    promote=Promote("mae", must_beat="seasonal_naive", by=0.05),
    decide="nothing",
    doc="The load of the hour that ends at the cut-off, by its temperatures.",
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
    views=VIEWS,
    tasks=(LOAD_MW,),
)
