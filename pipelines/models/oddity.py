"""How odd a thing is, from a measure that every family has of its own to a score that means the same for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.models.rows import Values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_MARKS = 1001
ODDITY = "oddity"


@dataclass(frozen=True)
class Ranks:
    """Where a measure of oddity stands among those of the training rows. marks: quantiles of these; rows: how many."""

    marks: list[float]
    rows: int

    @classmethod
    def of(cls, oddities: Values) -> Ranks:
        return cls(np.quantile(oddities, _levels()).tolist(), len(oddities))

    @classmethod
    def in_spark(cls, rows: DataFrame) -> Ranks:
        """rows: with the column `oddity`."""
        from pyspark.sql import functions as F

        found = rows.agg(F.percentile(ODDITY, F.array(*map(F.lit, _levels()))), F.count(ODDITY)).first()
        assert found is not None, "an aggregate without groups has one row"
        return cls(list(found[0]), found[1])

    @property
    def middle(self) -> float:
        return self.marks[_MARKS // 2]

    @property
    def spread(self) -> float:
        return self.marks[-1] - self.marks[0] or 1.0

    def score(self, oddities: Values) -> Values:
        """From 0 to 1: the part of the training rows that are less odd. What is odder than all of them still differs:
        as if there were one row more, whose part goes by the distance from the middle one."""
        part = np.interp(oddities, self.marks, _levels())
        beyond = 0.5 + np.arctan((oddities - self.middle) / self.spread) / np.pi
        return np.asarray((self.rows * part + beyond) / (self.rows + 1), np.float64)


def _levels() -> Sequence[float]:
    return [float(level) for level in np.linspace(0.0, 1.0, _MARKS)]
