"""The declaration of energy: meter readings and weather become a day-ahead load forecast and a contracted volume."""

from datetime import timedelta

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import fail, quarantine, warn
from pipelines.contracts.features import AsOf, FeatureView, History, Lag, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, Span, Spine, utc

MIDNIGHT_UTC = timedelta(hours=14)  # the market's clock stays at UTC+10 all year
CLOCK_OF_PEOPLE = "Australia/Melbourne"  # keeps daylight saving, and so does the load

LOAD = Table(
    "load",
    source="meter_readings",
    key=("region_id", "measured_at"),
    event_time="measured_at",
    available_at="greatest(measured_at + interval 30 minutes, revised_at)",
    order=("revision",),
    tombstone="raw['status'] = 'withdrawn'",
    columns=(
        Column("region_id", "string", doc="market region"),
        Column("measured_at", "timestamp", field="interval_start", doc="start of the half-hour"),
        Column(
            "load_mw", "double", field="demand_gw", convert="value * 1000", unit="MW", doc="mean over the half-hour"
        ),
        Column("revision", "int", doc="0 as first metered; greater is a later correction"),
        Column("revised_at", "timestamp", nullable=True, doc="when a correction was made known; empty at revision 0"),
    ),
    expect=(
        quarantine("load_is_physical", "load_mw between 1000 and 20000"),
        quarantine("half_hour_is_whole", "unix_timestamp(measured_at) % 1800 = 0"),
        quarantine("revision_is_dated", "revision = 0 or revised_at is not null"),
        fail("region_is_named", "length(region_id) between 2 and 8"),
        warn("load_is_usual", "load_mw between 2000 and 12000"),
    ),
    doc="Half-hourly mean load by region, as last corrected.",
)

WEATHER = Table(
    "weather",
    source="weather",
    key=("region_id", "observed_at"),
    event_time="observed_at",
    available_at="observed_at + interval 10 minutes",
    columns=(
        Column("region_id", "string"),
        Column("observed_at", "timestamp"),
        Column("temp_c", "double", unit="°C", doc="air temperature at the region's main city"),
    ),
    expect=(quarantine("temperature_is_terrestrial", "temp_c between -40 and 60"),),
    doc="Half-hourly air temperature by region.",
)

WORKDAYS = Table(
    "workdays",
    source="calendar",
    key=("region_id", "day_starts_at"),
    event_time="day_starts_at",
    available_at="published_at",
    columns=(
        Column("region_id", "string"),
        Column("day_starts_at", "timestamp", doc="market midnight"),
        Column("is_workday", "int", doc="1 on working days, 0 on weekends and public holidays"),
        Column("published_at", "timestamp", doc="when the year's calendar was gazetted"),
    ),
    expect=(quarantine("workday_is_a_flag", "is_workday in (0, 1)"),),
    doc="The market's public calendar, known a year ahead.",
)

DOMAIN = Domain(
    name="energy",
    owner="grid-analytics",
    question="How much load must be served in each of the next 48 half-hours, and how much of it should be contracted?",
    sources=(
        Source("meter_readings", format="csv", doc="a file a month, one reading a half-hour, GW"),
        Source("weather", format="jsonl", doc="a file a month, one observation a half-hour"),
        Source("calendar", format="csv", doc="a file a year, one row a day"),
    ),
    tables=(LOAD, WEATHER, WORKDAYS),
    views=(
        FeatureView(
            "load_at_cut_off",
            table="load",
            entity="region_id",
            features=(
                Rolling("load_mw", "mean", hours=24),
                Rolling("load_mw", "max", hours=24),
                Rolling("load_mw", "mean", hours=168),
            ),
            doc="how high the load has been running",
        ),
        FeatureView(
            "weather_at_cut_off",
            table="weather",
            entity="region_id",
            features=(
                AsOf("temp_c", ttl_hours=6),
                Rolling("temp_c", "mean", hours=24),
                Rolling("temp_c", "max", hours=24),
                Rolling("temp_c", "min", hours=24),
            ),
            doc="how warm the last day was",
        ),
        FeatureView(
            "same_time_before",
            table="load",
            entity="region_id",
            moment="target",
            features=(Lag("load_mw", hours=(24, 48, 168, 336)),),
            doc="the load at the same time of day on earlier days",
        ),
        FeatureView(
            "target_day",
            table="workdays",
            entity="region_id",
            moment="target",
            features=(AsOf("is_workday", ttl_hours=24),),
            doc="whether the day to be forecast is a working day",
        ),
        FeatureView(
            "target_calendar",
            table="",
            moment="target",
            features=(
                # the year as a circle's cosine: a day of the year that no training row had would be extrapolation
                Calendar(("time_of_day", "weekday", "is_weekend", "year_cos"), time_zone=CLOCK_OF_PEOPLE),
            ),
            doc="clock and calendar of the half-hour to be forecast",
        ),
        FeatureView(
            "recent_load",
            table="load",
            entity="region_id",
            moment="window",
            features=(History("load_mw", hours=168),),
            doc="the last week's load, half-hour by half-hour",
        ),
        FeatureView(
            "recent_weather",
            table="weather",
            entity="region_id",
            moment="window",
            features=(History("temp_c", hours=168),),
            doc="the last week's temperature, half-hour by half-hour",
        ),
    ),
    tasks=(
        Forecast(
            column="load_mw",
            table="load",
            unit="MW",
            spine=Spine("load", entity="region_id", every=timedelta(days=1), offset=MIDNIGHT_UTC),
            step=timedelta(minutes=30),
            steps=48,
            label_known_after=timedelta(minutes=30),
            quantiles=(0.1, 0.5, 0.9),
            views=(
                "load_at_cut_off",
                "weather_at_cut_off",
                "same_time_before",
                "target_day",
                "target_calendar",
                "recent_load",
                "recent_weather",
            ),
            families=("seasonal_naive", "linear", "xgboost", "lstm"),
            split=ByTime(
                train=Span(utc("2014-01-15"), utc("2014-08-01")),
                validate=Span(utc("2014-08-02 12:00"), utc("2014-09-01")),
                calibrate=Span(utc("2014-09-02 12:00"), utc("2014-10-01")),
                test=Span(utc("2014-10-02 12:00"), utc("2015-01-01")),
                gap=timedelta(hours=24, minutes=30),
            ),
            params={"seasonal_naive": {"season_steps": 336}},  # a week: the better season on the validate span
            promote=Promote(metric="mae", must_beat="seasonal_naive", by=0.05),
            decide="contract_volume",
            doc="Day-ahead half-hourly load, asked at every market midnight.",
        ),
    ),
)
