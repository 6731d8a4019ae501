"""How much to grind, and how high to hold the pond."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.contracts.policies import Sizing


def _median(quantiles: dict[float, Column]) -> Column:
    return quantiles[0.5]


def _missed(action: Column, actual: Column) -> Column:
    return 2.0 * F.abs(action - actual)


GRIND = Sizing("grind", "grind_m3s", "EUR", higher_is_better=False, choose=_median, value=_missed)
HOLD = Sizing("hold", "hold_m", "EUR", higher_is_better=False, choose=_median, value=_missed)
