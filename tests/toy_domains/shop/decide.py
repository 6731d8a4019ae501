"""Which offers of a visit to show first."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.contracts.policies import Shortlisting


def _earned(interest: Column, needs: Mapping[str, Column]) -> Column:
    return F.when(interest == 2.0, 0.25 * needs["price_eur__own"]).otherwise(0.0)


SHOW_FIRST = Shortlisting(
    "show_first",
    "is_shown_first",
    "EUR",
    first=2,
    needs=("price_eur__own",),
    value=_earned,
    doc="Show the two best offers of a visit first; one that is bought there earns a quarter of its price.",
)
