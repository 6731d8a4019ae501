"""The declaration of zoned: every kind of time that a record can have, around leap days and changes of the clock."""

from datetime import timedelta

from pipelines.contracts.calendar import CALENDAR_PARTS, Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import Fresh
from pipelines.contracts.features import FeatureView, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, Span, Spine, utc

USE = Table(
    "use",
    source="readings",
    key=("meter_id", "read_at"),
    event_time="read_at",
    available_at="read_at + interval 30 minutes",
    columns=(
        Column("meter_id", "string"),
        Column("read_at", "timestamp"),
        Column(
            "shown_at",
            "timestamp",
            pattern="yyyy-MM-dd HH:mm",
            convert="to_utc_timestamp(value, 'America/New_York')",
            doc="what the meter's clock showed; of an hour that comes twice the first one, of a missing one the next",
        ),
        Column("billed_on", "date"),
        Column("use_kwh", "double", unit="kWh"),
    ),
    expect=(Fresh("readings_are_fresh", "warn", within=timedelta(hours=17)),),
)
DOMAIN = Domain(
    name="zoned",
    owner="tests",
    question="How much will be used?",
    sources=(Source("readings", format="csv"),),
    tables=(USE,),
    views=(
        FeatureView("recent_use", table="use", entity="meter_id", features=(Rolling("use_kwh", "mean", hours=24),)),
        FeatureView("local_time", table="", features=(Calendar(CALENDAR_PARTS, time_zone="America/New_York"),)),
    ),
    tasks=(
        Forecast(
            column="use_kwh",
            table="use",
            unit="kWh",
            spine=Spine("use", entity="meter_id", every=timedelta(days=1), offset=timedelta(hours=6)),
            step=timedelta(hours=3),
            steps=8,
            label_known_after=timedelta(minutes=30),
            quantiles=(0.5,),
            views=("recent_use", "local_time"),
            families=("seasonal_naive",),
            split=ByTime(
                train=Span(utc("2016-03-01"), utc("2016-05-01")),
                validate=Span(utc("2016-05-03"), utc("2016-07-01")),
                calibrate=Span(utc("2016-07-03"), utc("2016-09-01")),
                test=Span(utc("2016-09-03"), utc("2016-11-01")),
                gap=timedelta(hours=24, minutes=30),
            ),
            params={"seasonal_naive": {"season_steps": 8}},
            promote=Promote(metric="mae", must_beat="seasonal_naive", by=0.05),
            decide="buy",
        ),
    ),
)
