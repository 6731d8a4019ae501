"""The declaration of the day-ahead prices: asked at midnight for the 24 hours to come, on each market's own clock.

The benchmark's clocks have 24 hours every day, so they are taken as they are.
"""

from __future__ import annotations

from datetime import timedelta

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import FeatureView, Lag, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Forecast, Promote, Span, Spine, utc

DAY, HOUR, DAY_H = timedelta(days=1), timedelta(hours=1), 24
KEY = (
    Column("market", "string"),
    Column("begins_at", "timestamp", pattern="yyyy-MM-dd HH:mm:ss"),
)
PRICES = Table(
    "prices",
    source="hours",
    key=("market", "begins_at"),
    event_time="begins_at",
    # settled the day before; a later time hides no price that the benchmark lets be used, and shows none of the day
    available_at="begins_at + interval 1 hour",
    columns=(*KEY, Column("price_per_mwh", "double", field="price", doc="NP: EUR, PJM: USD; it may be negative")),
    doc="What an hour's energy costs.",
)
FORECASTS = Table(
    "forecasts",
    source="hours",
    key=("market", "begins_at"),
    event_time="begins_at",
    available_at="date_trunc('DAY', begins_at)",
    columns=(
        *KEY,
        Column("load_mw", "double", field="load", unit="MW", doc="load of the system"),
        Column("other_mw", "double", field="other", unit="MW", doc="NP: wind power; PJM: load of the zone COMED"),
    ),
    doc="What the grid operators expect of an hour, published the day before.",
)
VIEWS = (
    FeatureView(
        "prices_before",
        table="prices",
        entity="market",
        moment="target",
        features=(Lag("price_per_mwh", hours=(DAY_H, 2 * DAY_H, 3 * DAY_H, 7 * DAY_H)),),
        doc="the price of the same hour on earlier days",
    ),
    FeatureView(
        "expected",
        table="forecasts",
        entity="market",
        moment="target",
        features=(
            Lag("load_mw", hours=(0, DAY_H, 7 * DAY_H)),
            Lag("other_mw", hours=(0, DAY_H, 7 * DAY_H)),
        ),
        doc="what is expected of the hour, and was of the same hour on earlier days",
    ),
    FeatureView(
        "price_level",
        table="prices",
        entity="market",
        features=(
            Rolling("price_per_mwh", "mean", hours=DAY_H),
            Rolling("price_per_mwh", "min", hours=DAY_H),
            Rolling("price_per_mwh", "max", hours=DAY_H),
            Rolling("price_per_mwh", "mean", hours=7 * DAY_H),
        ),
        doc="how high prices have been",
    ),
    FeatureView(
        "clock",
        table="",
        moment="target",
        features=(Calendar(("time_of_day", "weekday")),),
        doc="hour and day of the week",
    ),
)
PRICE = Forecast(
    column="price_per_mwh",
    table="prices",
    spine=Spine("prices", entity="market", every=DAY),
    step=HOUR,
    steps=DAY_H,
    label_known_after=HOUR,
    quantiles=(0.5,),
    views=tuple(view.name for view in VIEWS),
    families=("seasonal_naive", "lear", "xgboost"),
    split=ByTime(
        train=Span(utc("2013-01-08"), utc("2015-06-01")),
        validate=Span(utc("2015-06-03"), utc("2016-06-01")),
        calibrate=Span(utc("2016-06-03"), utc("2016-12-25")),
        test=Span(utc("2016-12-27"), utc("2018-12-25")),
        gap=DAY + HOUR,
    ),
    promote=Promote("mae", must_beat="seasonal_naive", by=0.05),
    decide="nothing",
    doc="The prices of the next day, asked as it begins.",
)
DOMAIN = Domain(
    name="epf",
    owner="power-trading",
    question="What will the next day's 24 hours cost?",
    sources=(Source("hours", format="csv", doc="a market a file; the columns' names differ, and have blanks before"),),
    tables=(PRICES, FORECASTS),
    views=VIEWS,
    tasks=(PRICE,),
)
