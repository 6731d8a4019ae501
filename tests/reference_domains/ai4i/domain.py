"""The declaration of the machines: what their sensors say, and whether they failed.

The five flags of what failed are parts of the answer, so that they lie beside it and in no view. In 27 rows the failure
is not what the flags say together.
"""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.expectations import quarantine
from pipelines.contracts.features import Category, FeatureView, Own
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.contracts.tasks import ByHash, Classify, Events, Promote, Share

MACHINE_ID = Column("machine_id", "string", field="UDI")
READINGS = Table(
    "readings",
    source="machines",
    key=("machine_id",),
    columns=(
        MACHINE_ID,
        Column("product_id", "string", field="Product ID"),
        Column("grade", "string", field="Type", doc="quality of the product: L, M or H"),
        Column("air_temp_k", "double", field="Air temperature [K]", unit="K"),
        Column("process_temp_k", "double", field="Process temperature [K]", unit="K"),
        Column("speed_rpm", "double", field="Rotational speed [rpm]", unit="rpm"),
        Column("torque_nm", "double", field="Torque [Nm]", unit="Nm"),
        Column("wear_min", "double", field="Tool wear [min]", unit="min", doc="how long the tool has been used"),
    ),
    computed=(
        Column("power_w", "double", unit="W", doc="torque by angular speed"),
        Column("temp_gap_k", "double", unit="K", doc="how much warmer the process is than the air"),
        Column("strain_nmmin", "double", unit="Nm·min", doc="torque by tool wear"),
    ),
    expect=(
        quarantine("grade_is_known", "grade in ('L', 'M', 'H')"),
        quarantine("readings_are_physical", "least(air_temp_k, process_temp_k, speed_rpm, torque_nm) > 0"),
    ),
    doc="A machine at work.",
)
FAILURES = Table(
    "failures",
    source="machines",
    key=("machine_id",),
    columns=(
        MACHINE_ID,
        Column("is_failure", "int", field="Machine_failure"),
        *[
            Column(f"is_{name}", "int", field=field)
            for name, field in (
                ("worn_tool", "TWF"),
                ("too_hot", "HDF"),
                ("wrong_power", "PWF"),
                ("overstrained", "OSF"),
                ("chance", "RNF"),
            )
        ],
    ),
    expect=(quarantine("failure_is_a_flag", "is_failure in (0, 1)"),),
    doc="Whether a machine failed, and of what.",
)
DOMAIN = Domain(
    name="ai4i",
    owner="maintenance",
    question="Which machines will fail?",
    sources=(Source("machines", format="csv", doc="UTF-8 with a byte order mark"),),
    tables=(READINGS, FAILURES),
    views=(
        FeatureView(
            "reading",
            table="readings",
            entity="machine_id",
            features=(
                Category("grade", among=("L", "M", "H")),
                *[Own(column.name) for column in READINGS.of_features if column.type == "double"],
            ),
            doc="what the sensors say, and what follows from it",
        ),
    ),
    tasks=(
        Classify(
            column="is_failure",
            table="failures",
            spine=Events("readings", entity="machine_id"),
            views=("reading",),
            families=("constant", "logistic", "random_forest", "xgboost"),
            split=ByHash(Share(0.0, 0.6), Share(0.6, 0.7), Share(0.7, 0.8), Share(0.8, 1.0)),
            promote=Promote(metric="log_loss", must_beat="constant", by=0.1),
            decide="service",
            doc="Whether a machine fails. Its rows have no time.",
        ),
    ),
)
