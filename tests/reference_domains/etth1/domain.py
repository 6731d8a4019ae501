"""The declaration of the transformer's channels: seven a row as delivered, a row each when typed."""

from __future__ import annotations

from datetime import timedelta

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import FeatureView, History
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, Span, Spine, utc

STEPS = 720


def transformer(name: str, source: str, step: timedelta) -> Domain:
    """A transformer that is read every `step`; source: what a delivery of its rows is called."""
    minutes = step // timedelta(minutes=1)
    readings = Table(
        "readings",
        source=source,
        key=("channel", "read_at"),
        event_time="read_at",
        available_at=f"read_at + interval {minutes} minutes",
        columns=(
            Column("channel", "string"),
            Column("read_at", "timestamp", pattern="yyyy-MM-dd HH:mm:ss"),
            Column("value", "double", doc="useful and useless loads of three levels; OT: oil temperature, °C"),
        ),
        doc="What a channel showed in a step.",
    )
    value = Forecast(
        column="value",
        table="readings",
        spine=Spine("readings", entity="channel", every=step),
        step=step,
        steps=STEPS,
        label_known_after=step,
        quantiles=(0.5,),
        views=("recent",),
        families=("seasonal_naive",),
        split=ByTime(
            train=Span(utc("2016-07-01"), utc("2017-05-26")),
            validate=Span(utc("2017-06-26"), utc("2017-07-26")),
            calibrate=Span(utc("2017-08-26"), utc("2017-09-23")),
            test=Span(utc("2017-10-24"), utc("2018-02-20")),
            gap=STEPS * step + step,
        ),
        promote=Promote("mae", must_beat="seasonal_naive", by=0.0),
        decide="nothing",
        doc=f"What the channels will show in the next {STEPS} steps.",
    )
    return Domain(
        name=name,
        owner="benchmarks",
        question="What will the transformer's channels show in the next hours?",
        sources=(Source(source, format="csv"),),
        tables=(readings,),
        views=(
            FeatureView(
                "recent",
                table="readings",
                entity="channel",
                moment="window",
                features=(History("value", hours=STEPS * minutes / 60),),
                doc=f"the channel's last {STEPS} steps",
            ),
        ),
        tasks=(value,),
    )


DOMAIN = transformer("etth1", source="hours", step=timedelta(hours=1))
