"""Which readings of the press to have looked at."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.contracts.policies import Picking


def _saved(was_repaired: Column, needs: Mapping[str, Column]) -> Column:
    return 400.0 * was_repaired - 60.0


def _one_visit(needs: Mapping[str, Column]) -> Column:
    return F.lit(1.0)


INSPECT = Picking(
    "inspect",
    "is_inspected",
    "EUR",
    needs=(),
    worth=_saved,
    value=_saved,
    uses=_one_visit,
    limit=2.0,
    time_zone="UTC",
    doc="A fitter looks at two readings a day; what he finds early saves 400 EUR, and a visit costs 60.",
)
