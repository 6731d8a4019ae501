"""When an engine is taken off the wing."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.contracts.policies import Sizing

# Assumptions of this example.
FAILED_USD, UNUSED_FLIGHT_USD, MARGIN_FLIGHTS = 100_000.0, 1_000.0, 20.0


def cost(planned_flights: Column, remaining_flights: Column) -> Column:
    """USD: a failure where more flights were planned than there were, else the flights that were not flown."""
    unused = F.lit(UNUSED_FLIGHT_USD) * (remaining_flights - planned_flights)
    return F.when(planned_flights > remaining_flights, F.lit(FAILED_USD)).otherwise(unused)


OVERHAUL = Sizing(
    name="overhaul",
    action="planned_flights",
    unit="USD",
    higher_is_better=False,
    choose=lambda outputs: F.floor(F.greatest(outputs[0.5] - F.lit(MARGIN_FLIGHTS), F.lit(0.0))),
    value=cost,
    doc="As many more flights as are expected, less a margin.",
)
