"""The class to treat a thing as, by what each mistake costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F

Cost = Callable[[str, str], float]
"""From the class that a thing is treated as and the class that it is to what that costs."""


def least_expected_cost(probabilities: Mapping[str, Column], cost: Cost) -> Column:
    """The class (a text) with the least expected cost; of equals the first. Null where a probability is.

    probabilities: by class, in the order that settles ties.
    """
    candidates = [
        F.struct(
            sum((float(cost(treated, actual)) * p for actual, p in probabilities.items()), F.lit(0.0)).alias("cost"),
            F.lit(place).alias("place"),
            F.lit(treated).alias("name"),
        )
        for place, treated in enumerate(probabilities)
    ]
    is_known = F.lit(True)
    for probability in probabilities.values():
        is_known = is_known & probability.isNotNull()
    return F.when(is_known, F.array_min(F.array(*candidates))["name"])


def cost_of(treated: Column, actual: Column, classes: Sequence[str], cost: Cost) -> Column:
    """What it costs to treat a thing as a class. treated: its name; actual: the place, from 0, of what the thing is."""
    pairs = [(f"{place}|{name}", cost(name, of)) for place, of in enumerate(classes) for name in classes]
    table = F.create_map(*[F.lit(part) for pair in pairs for part in (pair[0], float(pair[1]))])
    return table[F.concat_ws("|", actual.cast("int").cast("string"), treated)]
