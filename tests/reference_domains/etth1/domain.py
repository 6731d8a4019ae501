"""The declaration of the transformer's channels: seven a row as delivered, a row each when typed."""

from __future__ import annotations

from datetime import timedelta

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import FeatureView, History
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, Span, Spine, utc

READINGS = Table(
    "readings",
    source="hours",
    key=("channel", "read_at"),
    event_time="read_at",
    available_at="read_at + interval 1 hour",
    columns=(
        Column("channel", "string"),
        Column("read_at", "timestamp", pattern="yyyy-MM-dd HH:mm:ss"),
        Column("value", "double", doc="useful and useless loads of three levels; OT: oil temperature, °C"),
    ),
    doc="What a channel showed in an hour.",
)
STEPS, HOUR = 720, timedelta(hours=1)
KNOWN_AFTER = HOUR
VALUE = Forecast(
    column="value",
    table="readings",
    spine=Spine("readings", entity="channel", every=HOUR),
    step=HOUR,
    steps=STEPS,
    label_known_after=KNOWN_AFTER,
    quantiles=(0.5,),
    views=("recent",),
    families=("seasonal_naive",),
    split=ByTime(
        train=Span(utc("2016-07-01"), utc("2017-05-26")),
        validate=Span(utc("2017-06-26"), utc("2017-07-26")),
        calibrate=Span(utc("2017-08-26"), utc("2017-09-23")),
        test=Span(utc("2017-10-24"), utc("2018-02-20")),
        gap=STEPS * HOUR + KNOWN_AFTER,
    ),
    promote=Promote("mae", must_beat="seasonal_naive", by=0.0),
    decide="nothing",
    doc="What the channels will show in the next 720 hours.",
)
DOMAIN = Domain(
    name="etth1",
    owner="benchmarks",
    question="What will the transformer's channels show in the next hours?",
    sources=(Source("hours", format="csv"),),
    tables=(READINGS,),
    views=(
        FeatureView(
            "recent",
            table="readings",
            entity="channel",
            moment="window",
            features=(History("value", hours=STEPS),),
            doc="the channel's last 720 hours",
        ),
    ),
    tasks=(VALUE,),
)
