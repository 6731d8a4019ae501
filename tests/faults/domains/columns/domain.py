"""The declaration of columns: trips of a ferry, whose deliveries change their columns."""

from pipelines.contracts.domain import Domain
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

TRIPS = Table(
    "trips",
    source="trips",
    key=("trip_id",),
    columns=(
        Column("trip_id", "string"),
        Column("port_id", "string", field="port", formerly=("harbour",)),
        Column("passengers", "int"),
        Column("fare_eur", "double", unit="EUR"),
    ),
)
DOMAIN = Domain(
    name="columns",
    owner="tests",
    question="How many people cross?",
    sources=(Source("trips", format="csv"),),
    tables=(TRIPS,),
)
