"""The declaration of the works: what the meter showed in a quarter of an hour, and the energy that was used in it.

Reactive power, power factors and CO2 are read with the energy, and the CO2 is reckoned from it: whoever has them has
the answer. The published protocol has them for features, so they are declared as known when the quarter begins, which
nobody could.
"""

from __future__ import annotations

from datetime import timedelta

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import Category, FeatureView, Lag, Own, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByTime, Estimate, Events, Promote, Span, utc

QUARTER_ID = Column("quarter_id", "string", field="date", doc="as it is written")
ENDED_AT = Column("ended_at", "timestamp", doc="on the local clock, of which the record says no zone")
QUARTER_H, DAY_H = 0.25, 24.0
WEEK_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
READ_WITH_THE_ENERGY = ("lagging_kvarh", "leading_kvarh", "co2_t", "lagging_factor_pct", "leading_factor_pct")

QUARTERS = Table(
    "quarters",
    source="quarters",
    key=("quarter_id",),
    event_time="ended_at",
    available_at="ended_at - interval 15 minutes",
    columns=(
        QUARTER_ID,
        ENDED_AT,
        Column("lagging_kvarh", "double", field="Lagging_Current_Reactive_Power_kVarh", unit="kvarh"),
        Column("leading_kvarh", "double", field="Leading_Current_Reactive_Power_kVarh", unit="kvarh"),
        Column("co2_t", "double", field="CO2(tCO2)", unit="t"),
        Column("lagging_factor_pct", "double", field="Lagging_Current_Power_Factor", unit="%"),
        Column("leading_factor_pct", "double", field="Leading_Current_Power_Factor", unit="%"),
        Column("second_of_day", "int", field="NSM", doc="seconds since midnight"),
        Column("week_part", "string", field="WeekStatus"),
        Column("week_day", "string", field="Day_of_week"),
        Column("load_type", "string", field="Load_Type", doc="the tariff's: light, medium or maximum load"),
    ),
    expect=(quarantine("load_type_is_known", "load_type in ('Light_Load', 'Medium_Load', 'Maximum_Load')"),),
    doc="What the meter showed beside the energy.",
)
ENERGY = Table(
    "energy",
    source="quarters",
    key=("quarter_id",),
    event_time="ended_at",
    available_at="ended_at",
    columns=(QUARTER_ID, ENDED_AT, Column("used_kwh", "double", field="Usage_kWh", unit="kWh")),
    expect=(quarantine("energy_is_not_negative", "used_kwh >= 0"),),
    doc="The energy that was used in a quarter of an hour.",
)
VIEWS = (
    FeatureView(
        "meter",
        table="quarters",
        entity="quarter_id",
        features=(
            *[Own(name) for name in READ_WITH_THE_ENERGY],
            Own("second_of_day"),
            Category("week_part", among=("Weekday", "Weekend")),
            Category("week_day", among=WEEK_DAYS),
            Category("load_type", among=("Light_Load", "Medium_Load", "Maximum_Load")),
        ),
        doc="the published inputs",
    ),
    FeatureView("clock", table="", features=(Calendar(("day_of_year",)),), doc="the day"),
    FeatureView(
        "before",
        table="energy",
        features=(
            Lag("used_kwh", hours=(0.0, 0.25, DAY_H - QUARTER_H, 7 * DAY_H - QUARTER_H)),
            *[Rolling("used_kwh", "mean", hours=hours) for hours in (1.0, DAY_H)],
        ),
        doc="the energy of the two quarters before, and of the same one a day and a week before",
    ),
)
DOMAIN = Domain(
    name="steel",
    owner="plant-operations",
    question="How much energy do the works use in a quarter of an hour?",
    sources=(Source("quarters", format="csv", doc="UTF-8 with a byte order mark"),),
    tables=(QUARTERS, ENERGY),
    views=VIEWS,
    tasks=(
        Estimate(
            column="used_kwh",
            table="energy",
            unit="kWh",
            spine=Events("quarters", entity="quarter_id", lead=timedelta(minutes=15)),
            label_known_after=timedelta(minutes=15),
            quantiles=(0.5,),
            views=tuple(view.name for view in VIEWS),
            families=("constant", "linear", "random_forest", "xgboost"),
            split=ByTime(
                train=Span(utc("2018-01-08"), utc("2018-08-01")),
                validate=Span(utc("2018-08-02"), utc("2018-09-01")),
                calibrate=Span(utc("2018-09-02"), utc("2018-10-01")),
                test=Span(utc("2018-10-02"), utc("2019-01-01")),
                gap=timedelta(minutes=15),
            ),
            promote=Promote(metric="mae", must_beat="constant", by=0.3),
            decide="buy",
            doc="The energy of a quarter of an hour, asked as it begins.",
        ),
    ),
)
