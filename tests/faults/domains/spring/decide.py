"""How much to draw: the median."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.contracts.policies import Sizing


def _median(quantiles: dict[float, Column]) -> Column:
    return quantiles[0.5]


def _missed(drawn: Column, flow: Column) -> Column:
    return F.abs(drawn - flow)


DRAW = Sizing("draw", "drawn_lps", "EUR", higher_is_better=False, choose=_median, value=_missed)
