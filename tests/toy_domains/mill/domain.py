"""The declaration of the mill: gauges, pond levels and announced works become a flow and a level forecast."""

from datetime import timedelta

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import (
    AsOf,
    CategoryCount,
    Change,
    Ewm,
    Expanding,
    FeatureView,
    History,
    Lag,
    Last,
    Quantile,
    Rolling,
)
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, RollingOrigin, Select, Span, Spine, utc

FLOWS = Table(
    "flows",
    source="gauges",
    key=("station_id", "read_at"),
    event_time="read_at",
    available_at="read_at + interval 1 hour",
    columns=(
        Column("station_id", "string"),
        Column("read_at", "timestamp"),
        Column("flow_m3s", "double", field="flow", unit="m³/s"),
    ),
    expect=(quarantine("flow_runs_down", "flow_m3s >= 0"),),
)
LEVELS = Table(
    "levels",
    source="ponds",
    key=("station_id", "seen_at"),
    event_time="seen_at",
    available_at="seen_at",
    columns=(
        Column("station_id", "string"),
        Column("seen_at", "timestamp"),
        Column("level_m", "double", unit="m", nullable=True),
    ),
    computed=(Column("spill_m", "double", unit="m", nullable=True),),
)
WORKS = Table(
    "works",
    source="works",
    key=("day_starts_at",),
    event_time="day_starts_at",
    available_at="announced_at",
    columns=(
        Column("day_starts_at", "timestamp"),
        Column("is_open", "int"),
        Column("announced_at", "timestamp"),
    ),
)
SPLIT = ByTime(
    train=Span(utc("2024-01-09"), utc("2024-01-24")),
    validate=Span(utc("2024-01-24 13:00"), utc("2024-01-29")),
    calibrate=Span(utc("2024-01-29 13:00"), utc("2024-02-03")),
    test=Span(utc("2024-02-03 13:00"), utc("2024-02-12")),
    gap=timedelta(hours=13),
)
DOMAIN = Domain(
    name="mill",
    owner="millers",
    question="How much water comes down, and how high will the pond stand?",
    sources=(Source("gauges", format="csv"), Source("ponds", format="jsonl"), Source("works", format="csv")),
    tables=(FLOWS, LEVELS, WORKS),
    views=(
        FeatureView(
            "flow_at_cut_off",
            table="flows",
            entity="station_id",
            features=(
                Lag("flow_m3s", hours=(2,)),
                Rolling("flow_m3s", "mean", hours=24),
                Rolling("flow_m3s", "std", hours=24),
                Rolling("flow_m3s", "count", hours=24),
            ),
        ),
        FeatureView(
            "flow_shape",
            table="flows",
            entity="station_id",
            features=(
                Quantile("flow_m3s", 0.9, hours=24),
                Ewm("flow_m3s", half_life_hours=6, hours=48),
                Change("flow_m3s", 24, ttl_hours=6),
                Last("flow_m3s", "mean", rows=3, hours=24),
                Expanding("flow_m3s", "mean"),
            ),
        ),
        FeatureView(
            "level_at_cut_off",
            table="levels",
            entity="station_id",
            features=(AsOf("level_m", ttl_hours=6), AsOf("spill_m", ttl_hours=6)),
        ),
        FeatureView(
            "works_at_cut_off",
            table="works",
            features=(Rolling("is_open", "sum", hours=72), CategoryCount("is_open", among=("0",), hours=72)),
        ),
        FeatureView("hour", table="", features=(Calendar(("time_of_day", "weekday")),)),
        FeatureView(
            "same_time_before",
            table="flows",
            entity="station_id",
            moment="target",
            features=(Lag("flow_m3s", hours=(24, 168)),),
        ),
        FeatureView(
            "levels_before",
            table="levels",
            entity="station_id",
            moment="target",
            features=(Lag("level_m", hours=(24,)),),
        ),
        FeatureView("works_that_day", table="works", moment="target", features=(AsOf("is_open", ttl_hours=24),)),
        FeatureView(
            "recent_flow",
            table="flows",
            entity="station_id",
            moment="window",
            features=(History("flow_m3s", hours=24),),
        ),
    ),
    tasks=(
        Forecast(
            column="flow_m3s",
            table="flows",
            unit="m³/s",
            spine=Spine("flows", entity="station_id", every=timedelta(days=1)),
            step=timedelta(hours=1),
            steps=12,
            label_known_after=timedelta(hours=1),
            quantiles=(0.1, 0.5, 0.9),
            views=(
                "flow_at_cut_off",
                "flow_shape",
                "flow_shape",
                "level_at_cut_off",
                "works_at_cut_off",
                "hour",
                "same_time_before",
                "works_that_day",
                "recent_flow",
            ),
            families=("seasonal_naive", "linear", "xgboost"),
            params={"seasonal_naive": {"season_steps": 24}, "xgboost": {"rounds": 20, "learning_rate": 0.3}},
            split=SPLIT,
            select=Select(budget=8),
            promote=Promote(metric="mae", must_beat="seasonal_naive", by=0.05),
            decide="grind",
        ),
        Forecast(
            column="level_m",
            table="levels",
            unit="m",
            spine=Spine("levels", entity="station_id", every=timedelta(hours=12), offset=timedelta(hours=6)),
            step=timedelta(hours=2),
            steps=3,
            label_known_after=timedelta(0),
            quantiles=(0.25, 0.5, 0.75),
            views=("level_at_cut_off", "levels_before"),
            families=("seasonal_naive", "linear"),
            params={"seasonal_naive": {"season_steps": 12}},
            scope="per_entity",
            least_rows=30,
            split=SPLIT,
            folds=RollingOrigin(folds=3, span=timedelta(days=3)),
            promote=Promote(metric="mae", must_beat="seasonal_naive", by=0.0),
            decide="hold",
        ),
    ),
)
