"""How much to contract a day ahead, when a shortage costs more than a surplus."""

from __future__ import annotations

from itertools import pairwise

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.contracts.policies import Sizing

SHORTAGE_AUD_PER_MWH = 90.0  # dearer balancing energy, above the contract's price
SURPLUS_AUD_PER_MWH = 30.0  # what is lost by selling back below the contract's price
HOURS_A_STEP = 0.5

# The cheapest volume is this quantile of the load (newsvendor: Arrow, Harris and Marschak 1951).
CRITICAL_RATIO = SHORTAGE_AUD_PER_MWH / (SHORTAGE_AUD_PER_MWH + SURPLUS_AUD_PER_MWH)


def contracted(quantiles: dict[float, Column]) -> Column:
    """The critical quantile in MW, by straight lines between the predicted ones; beyond them, the outermost."""
    levels = sorted(quantiles)
    if levels[0] >= CRITICAL_RATIO:
        return quantiles[levels[0]]
    for low, high in pairwise(levels):
        if high >= CRITICAL_RATIO:
            share = (CRITICAL_RATIO - low) / (high - low)
            return quantiles[low] + F.lit(share) * (quantiles[high] - quantiles[low])
    return quantiles[levels[-1]]


def cost(contract_mw: Column, load_mw: Column) -> Column:
    """AUD for one half-hour: each missing MWh at the shortage price, each spare one at the surplus price."""
    short, spare = F.greatest(load_mw - contract_mw, F.lit(0.0)), F.greatest(contract_mw - load_mw, F.lit(0.0))
    return HOURS_A_STEP * (SHORTAGE_AUD_PER_MWH * short + SURPLUS_AUD_PER_MWH * spare)


CONTRACT_VOLUME = Sizing(
    name="contract_volume",
    action="contract_mw",
    unit="AUD",
    higher_is_better=False,
    choose=contracted,
    value=cost,
    doc="Contract the volume at which one more MWh costs as much in expectation as one less.",
)
