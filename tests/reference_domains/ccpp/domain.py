"""The declaration of the plant: the weather and the vacuum, and what the plant gave."""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import FeatureView, Own
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByHash, Estimate, Events, Promote, Share

HOUR_ID = Column("hour_id", "string", field="number", doc="the place in the file")
CONDITIONS = Table(
    "conditions",
    source="hours",
    key=("hour_id",),
    columns=(
        HOUR_ID,
        Column("air_temp_c", "double", field="AT", unit="°C"),
        Column("vacuum_cmhg", "double", field="V", unit="cmHg", doc="at the steam turbine's exhaust"),
        Column("pressure_hpa", "double", field="AP", unit="hPa", doc="of the air"),
        Column("humidity_pct", "double", field="RH", unit="%"),
    ),
    expect=(quarantine("weather_is_physical", "air_temp_c between -50 and 60 and pressure_hpa between 900 and 1100"),),
    doc="The mean of an hour.",
)
OUTPUT = Table(
    "output",
    source="hours",
    key=("hour_id",),
    columns=(HOUR_ID, Column("power_mw", "double", field="EP", unit="MW")),
    expect=(quarantine("power_is_given", "power_mw > 0"),),
    doc="What the plant gave in an hour of full load.",
)
DOMAIN = Domain(
    name="ccpp",
    owner="plant-operations",
    question="How much power does the plant give in this weather?",
    sources=(Source("hours", format="csv"),),
    tables=(CONDITIONS, OUTPUT),
    views=(
        FeatureView(
            "condition",
            table="conditions",
            entity="hour_id",
            features=tuple(Own(column.name) for column in CONDITIONS.columns if column.type == "double"),
            doc="the hour's weather and vacuum",
        ),
    ),
    tasks=(
        Estimate(
            column="power_mw",
            table="output",
            unit="MW",
            spine=Events("conditions", entity="hour_id"),
            quantiles=(0.5,),
            views=("condition",),
            families=("constant", "linear", "random_forest", "xgboost"),
            split=ByHash(Share(0.0, 0.6), Share(0.6, 0.7), Share(0.7, 0.8), Share(0.8, 1.0)),
            promote=Promote(metric="mae", must_beat="constant", by=0.5),
            decide="offer",
            doc="The power of an hour. Hours have no time.",
        ),
    ),
)
