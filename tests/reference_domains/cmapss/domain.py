"""The declaration of the engines: what each flight measured, and how many flights were left after it."""

from __future__ import annotations

from datetime import datetime, timedelta

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import Expanding, FeatureView, Own, Rolling
from pipelines.contracts.monitors import Monitor
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Estimate, Events, Promote, Span, utc

FIRST_AT, EVERY, LONGEST = utc("2000-01-01"), timedelta(hours=1), timedelta(hours=400)
"""The flights have no time: they are given an hour each. The longest life has 362."""
MOST_REMAINING = 125.0
"""A life this long or longer is told as this, as is usual for these engines: nothing of it shows any earlier."""
TRAIN_END, VALIDATE_END, CALIBRATE_END, TEST_END = 80, 95, 100, 200
"""Where each span ends, in engines: the published training set in its order, then the published test set."""


def flown_at(engine: int, flight: int) -> datetime:
    """When an engine, counted from 0, has flown so many times. The next engine starts when all of it has been known for
    a while, so that spans of time are sets of engines."""
    return FIRST_AT + 2 * LONGEST * engine + EVERY * flight


def ends_at(engine: int) -> datetime:
    """From when on the life of an engine is known."""
    return flown_at(engine, 0) + LONGEST


SENSORS = tuple(f"sensor_{number}" for number in range(1, 22))
VARYING = tuple(f"sensor_{number}" for number in (2, 3, 4, 7, 8, 9, 11, 12, 13, 14, 15, 17, 20, 21))
"""The others are constant in the training set, but for the sixth, which has two values."""
FLIGHT_ID, FLOWN_AT = Column("flight_id", "string"), Column("flown_at", "timestamp")
FLIGHTS = Table(
    "flights",
    source="flights",
    key=("flight_id",),
    event_time="flown_at",
    available_at="flown_at",
    columns=(
        FLIGHT_ID,
        Column("engine_id", "string"),
        Column("flight", "int", doc="counted from 1 for each engine"),
        FLOWN_AT,
        *[Column(f"setting_{number}", "double") for number in (1, 2, 3)],
        *[Column(name, "double") for name in SENSORS],
    ),
    expect=(quarantine("flights_are_counted_from_1", "flight >= 1"),),
    doc="What was measured in a flight.",
)
LIVES = Table(
    "lives",
    source="lives",
    key=("flight_id",),
    event_time="flown_at",
    available_at="ended_at",
    columns=(
        FLIGHT_ID,
        FLOWN_AT,
        Column("ended_at", "timestamp", doc="from when on the engine's life is known"),
        Column("remaining_flights", "double", convert=f"least(value, {MOST_REMAINING})"),
    ),
    expect=(quarantine("no_life_is_over_before", "remaining_flights >= 0"),),
    doc="How many flights an engine had left after a flight.",
)
REMAINING = Estimate(
    column="remaining_flights",
    table="lives",
    spine=Events("flights", entity="flight_id"),
    label_known_after=LONGEST,
    quantiles=(0.5,),
    views=("flight", "engine"),
    families=("constant", "xgboost"),
    split=ByTime(
        train=Span(flown_at(0, 0), ends_at(TRAIN_END - 1)),
        validate=Span(flown_at(TRAIN_END, 0), ends_at(VALIDATE_END - 1)),
        calibrate=Span(flown_at(VALIDATE_END, 0), ends_at(CALIBRATE_END - 1)),
        test=Span(flown_at(CALIBRATE_END, 0), ends_at(TEST_END - 1)),
        gap=LONGEST,
    ),
    # chosen by the error on the validate span; the squared loss was worse there, too
    params={"xgboost": {"rounds": 800, "max_depth": 4, "min_child_weight": 30.0, "colsample_bytree": 0.3}},
    promote=Promote(metric="rmse", must_beat="constant", by=0.5),
    monitor=Monitor("engine_id", limit=30.0, horizon=50.0, least=10.0),
    decide="overhaul",
    doc="The remaining useful life of an engine, asked after each of its flights.",
)
DOMAIN = Domain(
    name="cmapss",
    owner="benchmarks",
    question="How many flights has this engine left?",
    sources=(Source("flights", format="csv"), Source("lives", format="csv")),
    tables=(FLIGHTS, LIVES),
    views=(
        FeatureView("flight", table="flights", entity="flight_id", features=(Own("flight"),), doc="its number"),
        FeatureView(
            "engine",
            table="flights",
            entity="engine_id",
            features=tuple(
                feature
                for name in VARYING
                for feature in (
                    *[Rolling(name, "mean", hours=hours) for hours in (5, 10, 20, 30, 50)],
                    *[Rolling(name, "std", hours=hours) for hours in (10, 30)],
                    Expanding(name, "mean"),
                )
            ),
            doc="the engine's last flights, this one included, and all of them",
        ),
    ),
    tasks=(REMAINING,),
)
