"""Whether a model treats groups of people alike: who is picked, who is picked wrongly, whose probabilities are off."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.contracts.fairness import GAPS

Values = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]

FEWEST = 50
"""Of a group with fewer rows the rates are told, but no gap is measured by them: they are chance."""


@dataclass(frozen=True)
class GroupRow:
    """What is known of one group of a protected column; a rate that the group has no rows for is NaN."""

    column: str
    group: str
    rows: int
    base_rate: float
    selection_rate: float
    true_positive_rate: float
    false_positive_rate: float
    mean_probability: float

    @property
    def calibration_error(self) -> float:
        """How far the mean probability is from the part of 1."""
        return abs(self.mean_probability - self.base_rate)


@dataclass(frozen=True)
class Gap:
    """The greatest difference between two groups: `low` has the least of `of`, `high` the most."""

    column: str
    of: str
    size: float
    low: str
    high: str


def by_group(column: str, group: Names, actual: Values, probability: Values, capacity: float) -> list[GroupRow]:
    """A row for each group, in the order of their names.

    group, actual (0 or 1, all known), probability: one a row. Picked are the `capacity` of all rows with the greatest
    probability; rows that tie with the last of them count in part, so that who tells all alike picks all alike.
    """
    picked = _picked(probability, capacity)
    return [_of(column, str(name), group == name, actual, probability, picked) for name in np.unique(group)]


def gaps(rows: Sequence[GroupRow]) -> Iterator[Gap]:
    """For each of GAPS the two groups of one column that are furthest apart; none where fewer than two have it."""
    for of in GAPS:
        rates = {row.group: getattr(row, of) for row in rows if row.rows >= FEWEST}
        known = {group: rate for group, rate in rates.items() if math.isfinite(rate)}
        if len(known) > 1:
            low, high = min(known, key=lambda name: known[name]), max(known, key=lambda name: known[name])
            yield Gap(rows[0].column, of, known[high] - known[low], low, high)


def _picked(probability: Values, capacity: float) -> Values:
    """How much of each row is picked, from 0 to 1."""
    flagged = capacity * len(probability)
    limit = np.sort(probability)[::-1][max(math.ceil(flagged) - 1, 0)]
    above, level = probability > limit, probability == limit
    return above + level * (flagged - above.sum()) / level.sum()


def _of(
    column: str, name: str, among: npt.NDArray[np.bool_], actual: Values, probability: Values, picked: Values
) -> GroupRow:
    labels, chosen = actual[among], picked[among]
    return GroupRow(
        column=column,
        group=name,
        rows=int(among.sum()),
        base_rate=float(labels.mean()),
        selection_rate=float(chosen.mean()),
        true_positive_rate=_mean(chosen[labels == 1.0]),
        false_positive_rate=_mean(chosen[labels == 0.0]),
        mean_probability=float(probability[among].mean()),
    )


def _mean(of: Values) -> float:
    return float(of.mean()) if len(of) else math.nan
