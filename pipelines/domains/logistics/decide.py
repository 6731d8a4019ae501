"""What to do about legs that will be late: protect a few of them, and plan the minutes that the others need."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.contracts.policies import Picking, Sizing

# Assumptions of this example, to be replaced by a user's own.
LATE_USD = 1500.0  # what a late leg costs: missed connections, crews, rebooking
PREVENTED = 0.4  # part of the lateness that a measure (a spare crew, a priority slot) prevents
MEASURE_USD = 180.0
MEASURES_A_DAY = 20.0
MISSING_MINUTE_USD = 60.0
IDLE_MINUTE_USD = 20.0
CRITICAL_QUANTILE = MISSING_MINUTE_USD / (MISSING_MINUTE_USD + IDLE_MINUTE_USD)  # newsvendor, as in energy


def saving(late: Column, _: Mapping[str, Column]) -> Column:
    """USD that a measure saves on a leg; late: the probability of it, or 1 and 0 once it is known."""
    return late * F.lit(PREVENTED * LATE_USD) - F.lit(MEASURE_USD)


PROTECT = Picking(
    name="protect",
    action="is_protected",
    unit="USD",
    needs=(),
    worth=saving,
    value=saving,
    uses=lambda _: F.lit(1.0),
    limit=MEASURES_A_DAY,
    time_zone="America/New_York",
    doc="Take a measure for the legs on which it is expected to save most, twenty a day.",
)


def buffer_cost(buffer_min: Column, delay_min: Column) -> Column:
    """USD for one leg: each minute of delay beyond the buffer, and each minute of buffer that was not needed. There is
    no buffer below zero, and an early leg needs none."""
    buffer, needed = F.greatest(buffer_min, F.lit(0.0)), F.greatest(delay_min, F.lit(0.0))
    missing, idle = F.greatest(needed - buffer, F.lit(0.0)), F.greatest(buffer - needed, F.lit(0.0))
    return MISSING_MINUTE_USD * missing + IDLE_MINUTE_USD * idle


PLAN_BUFFER = Sizing(
    name="plan_buffer",
    action="buffer_min",
    unit="USD",
    higher_is_better=False,
    choose=lambda quantiles: F.greatest(quantiles[CRITICAL_QUANTILE], F.lit(0.0)),
    value=buffer_cost,
    doc="Plan as many spare minutes as one more costs as much in expectation as one less.",
)
