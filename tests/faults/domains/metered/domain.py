"""The declaration of metered: readings with corrections, withdrawals and nonsense, and the weather, which has none."""

from datetime import timedelta

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import fail, quarantine
from pipelines.contracts.features import FeatureView, History, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, Span, Spine, utc

LOAD = Table(
    "load",
    source="readings",
    key=("region_id", "measured_at"),
    event_time="measured_at",
    available_at="greatest(measured_at + interval 30 minutes, revised_at)",
    order=("revision",),
    tombstone="raw['status'] = 'withdrawn'",
    columns=(
        Column("region_id", "string"),
        Column("measured_at", "timestamp", field="interval_start"),
        Column("load_mw", "double", field="demand_gw", convert="value * 1000", unit="MW"),
        Column("revision", "int"),
        Column("revised_at", "timestamp", nullable=True),
    ),
    expect=(
        quarantine("load_is_physical", "load_mw between 1000 and 20000"),
        fail("region_is_named", "length(region_id) between 2 and 8"),
    ),
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
        Column("temp_c", "double", unit="°C"),
    ),
)
DOMAIN = Domain(
    name="metered",
    owner="tests",
    question="How much load will there be?",
    sources=(Source("readings", format="csv"), Source("weather", format="jsonl")),
    tables=(LOAD, WEATHER),
    views=(
        FeatureView(
            "load_at_cut_off",
            table="load",
            entity="region_id",
            features=(Rolling("load_mw", "mean", hours=24), Rolling("load_mw", "max", hours=24)),
        ),
        FeatureView(
            "weather_at_cut_off",
            table="weather",
            entity="region_id",
            features=(Rolling("temp_c", "mean", hours=24),),
        ),
        FeatureView(
            "recent_load", table="load", entity="region_id", moment="window", features=(History("load_mw", hours=24),)
        ),
    ),
    tasks=(
        Forecast(
            column="load_mw",
            table="load",
            unit="MW",
            spine=Spine("load", entity="region_id", every=timedelta(days=1), offset=timedelta(hours=14)),
            step=timedelta(hours=3),
            steps=8,
            label_known_after=timedelta(minutes=30),
            quantiles=(0.5,),
            views=("load_at_cut_off", "weather_at_cut_off", "recent_load"),
            families=("seasonal_naive",),
            split=ByTime(
                train=Span(utc("2014-01-01"), utc("2014-02-01")),
                validate=Span(utc("2014-02-03"), utc("2014-03-01")),
                calibrate=Span(utc("2014-03-03"), utc("2014-04-01")),
                test=Span(utc("2014-04-03"), utc("2014-05-01")),
                gap=timedelta(hours=24, minutes=30),
            ),
            params={"seasonal_naive": {"season_steps": 8}},
            promote=Promote(metric="mae", must_beat="seasonal_naive", by=0.05),
            decide="buy",
        ),
    ),
)
