"""The declaration of the tracts: what is known of each, and the median value of its homes.

A benchmark of old, kept for its figures. One of its columns, `b`, is made of the share of black inhabitants, and no
decision may rest on it.
"""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import FeatureView, Own
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByHash, Estimate, Events, Promote, Share

TRACT_ID = Column("tract_id", "string", field="number", doc="the place in the file")
TRACTS = Table(
    "tracts",
    source="tracts",
    key=("tract_id",),
    columns=(
        TRACT_ID,
        Column("crime_rate", "double", field="crim", doc="a head"),
        Column("large_lots_pct", "double", field="zn", unit="%", doc="land zoned for lots over 25,000 square feet"),
        Column("industry_pct", "double", field="indus", unit="%", doc="acres of business that is no retail"),
        Column("is_at_river", "int", field="chas", doc="the tract bounds the Charles"),
        Column("nox_ppb", "double", field="nox", convert="value * 100", unit="ppb", doc="nitric oxides"),
        Column("rooms", "double", field="rm", doc="mean of a dwelling"),
        Column("old_pct", "double", field="age", unit="%", doc="owner-occupied homes built before 1940"),
        Column("to_work", "double", field="dis", doc="weighted distance to five centres of employment"),
        Column("highways", "double", field="rad", doc="index of access to radial highways"),
        Column("tax_rate", "double", field="tax", doc="USD a 10,000 of full value"),
        Column("pupils_a_teacher", "double", field="ptratio"),
        Column("b", "double", doc="1000 (share of black inhabitants − .63)²"),
        Column("low_status_pct", "double", field="lstat", unit="%"),
    ),
    expect=(quarantine("homes_have_rooms", "rooms > 0"),),
    doc="A census tract.",
)
VALUES = Table(
    "values",
    source="tracts",
    key=("tract_id",),
    columns=(TRACT_ID, Column("home_kusd", "double", field="medv", unit="kUSD", doc="capped at 50")),
    expect=(quarantine("value_is_capped", "home_kusd > 0 and home_kusd <= 50"),),
    doc="The median value of owner-occupied homes.",
)
DOMAIN = Domain(
    name="boston",
    owner="benchmarks",
    question="What are homes worth here?",
    sources=(Source("tracts", format="csv"),),
    tables=(TRACTS, VALUES),
    views=(
        FeatureView(
            "tract",
            table="tracts",
            entity="tract_id",
            features=tuple(Own(column.name) for column in TRACTS.columns if column.type != "string"),
            doc="all that is known of the tract",
        ),
    ),
    tasks=(
        Estimate(
            column="home_kusd",
            table="values",
            unit="kUSD",
            spine=Events("tracts", entity="tract_id"),
            quantiles=(0.5,),
            views=("tract",),
            families=("constant", "linear", "random_forest", "xgboost"),
            split=ByHash(Share(0.0, 0.6), Share(0.6, 0.7), Share(0.7, 0.8), Share(0.8, 1.0)),
            promote=Promote(metric="mae", must_beat="constant", by=0.3),
            decide="appraise",
            doc="The value of homes in a tract.",
        ),
    ),
)
