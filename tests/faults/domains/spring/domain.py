"""The declaration of spring: a flow every six hours, a forecast a day, and a model that beats the naive one."""

from datetime import timedelta

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import FeatureView, Lag, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, Span, Spine, utc

DOMAIN = Domain(
    name="spring",
    owner="tests",
    question="How much water will come?",
    sources=(Source("gauge", format="csv"),),
    tables=(
        Table(
            "flows",
            source="gauge",
            key=("spring_id", "read_at"),
            event_time="read_at",
            available_at="read_at",
            columns=(
                Column("spring_id", "string"),
                Column("read_at", "timestamp"),
                Column("flow_lps", "double", unit="l/s"),
            ),
        ),
    ),
    views=(
        FeatureView(
            "flow_before", table="flows", entity="spring_id", features=(Rolling("flow_lps", "mean", hours=96),)
        ),
        FeatureView(
            "flow_a_day_before",
            table="flows",
            entity="spring_id",
            moment="target",
            features=(Lag("flow_lps", hours=(24,)),),
        ),
    ),
    tasks=(
        Forecast(
            column="flow_lps",
            table="flows",
            unit="l/s",
            spine=Spine("flows", entity="spring_id", every=timedelta(days=1)),
            step=timedelta(hours=6),
            steps=2,
            label_known_after=timedelta(0),
            quantiles=(0.1, 0.5, 0.9),
            views=("flow_before", "flow_a_day_before"),
            families=("seasonal_naive", "linear"),
            params={"seasonal_naive": {"season_steps": 4}},
            split=ByTime(
                train=Span(utc("2024-01-06"), utc("2024-02-10")),
                validate=Span(utc("2024-02-11"), utc("2024-02-18")),
                calibrate=Span(utc("2024-02-19"), utc("2024-02-28")),
                test=Span(utc("2024-02-29"), utc("2024-03-05")),
                gap=timedelta(hours=12),
            ),
            promote=Promote(metric="mae", must_beat="seasonal_naive", by=0.01),
            decide="draw",
        ),
    ),
)
