"""How nets over rows read them: numbers, cycles and categories, on scales that are learnt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.contracts.fits import FitPlan
from pipelines.models.rows import CYCLES, Values
from pipelines.models.warm_starts import unlike

if TYPE_CHECKING:
    from pipelines.models.nets.crew import Crew

FARTHEST = 8.0
"""Deviations beyond which a number is no farther: one that hardly varied in training would else drown the others."""


@dataclass(frozen=True)
class Reading:
    """How rows become what the net reads, all learnt on training rows.

    categories: with their lists' lengths; cycles: as sine and cosine; numbers: with their means and deviations, 0 where
    missing, and beside those that are missing in some training row, whether they are. label: mean and deviation.

    Numbers are read as signed logarithms: amounts and counts span powers of ten, and by their deviation, which the
    largest few make, most of them would look alike. Near 0 that changes nothing, and it keeps their order.
    """

    categories: dict[str, int]
    cycles: tuple[str, ...]
    numbers: dict[str, tuple[float, float]]
    gaps: tuple[str, ...]
    label: tuple[float, float]

    def places(self, columns: Mapping[str, Values]) -> npt.NDArray[np.int64]:
        """(rows, categories), each from 0 to its list's length."""
        places = np.zeros((_rows(columns), len(self.categories)), np.int64)
        for j, (name, length) in enumerate(self.categories.items()):
            column = columns[name]
            places[:, j] = np.where((column >= 0) & (column <= length), column, 0)  # NaN is neither
        return places

    def values(self, columns: Mapping[str, Values]) -> npt.NDArray[np.float32]:
        """(rows, numbers + gaps + 2 · cycles)."""
        found = []
        for name, (mean, deviation) in self.numbers.items():
            scaled = (_signed_log(columns[name]) - mean) / deviation
            found.append(np.nan_to_num(np.clip(scaled, -FARTHEST, FARTHEST)))
        found += [np.isnan(columns[name]) for name in self.gaps]
        for name in self.cycles:
            angle = 2.0 * np.pi * columns[name] / CYCLES[name]
            found += [np.nan_to_num(np.sin(angle)), np.nan_to_num(np.cos(angle))]
        read = np.empty((_rows(columns), len(found)), np.float32)
        for j, column in enumerate(found):
            read[:, j] = column
        return read


def reading_begun_from(plan: FitPlan) -> Reading | None:
    """How the model reads that the fit begins from, whose weights mean nothing on other scales; None where it begins
    anew."""
    from pipelines.models.nets.fine_tuning import content_begun_from

    content = content_begun_from(plan)
    if content is None:
        return None
    reading = Reading(**content["reading"])
    if list(reading.categories.items()) != list(plan.frame.categories):
        there, here = (
            ", ".join(f"{of} ({n})" for of, n in pairs) for pairs in (reading.categories.items(), plan.frame.categories)
        )
        raise unlike(plan, f"it knows the categories {there or 'none'}, here they are {here or 'none'}")
    return reading


def learnt_reading(plan: FitPlan, values: Values, labels: Values, crew: Crew) -> Reading:
    """The scales are those of all ranks' rows together."""
    frame = plan.frame
    columns = dict(zip(frame.features, values.T, strict=True))
    categories = dict(frame.categories)
    cycles = tuple(name for name in frame.features if name in CYCLES)
    rest = [name for name in frame.features if name not in categories and name not in CYCLES]
    numbers = {name: _moments(_signed_log(columns[name]), crew) for name in rest}
    missing = crew.total(np.array([np.isnan(columns[name]).sum() for name in rest], np.float64))
    gaps = tuple(name for name, count in zip(rest, missing, strict=True) if count)
    label = _moments(labels, crew) if plan.quantiles else (0.0, 1.0)
    return Reading(categories, cycles, numbers, gaps, label)


def _moments(values: Values, crew: Crew) -> tuple[float, float]:
    """Mean and deviation of what is known over all ranks; deviation 1 where nothing varies."""
    values = values[~np.isnan(values)]
    count, total = crew.total(np.array([len(values), values.sum()], np.float64))
    mean = total / count if count else 0.0
    (squares,) = crew.total(np.array([((values - mean) ** 2).sum()], np.float64))
    return float(mean), float(np.sqrt(squares / count)) if squares > 0.0 else 1.0


def _signed_log(values: Values) -> Values:
    return np.sign(values) * np.log1p(np.abs(values))


def _rows(columns: Mapping[str, Values]) -> int:
    return len(next(iter(columns.values())))
