"""Columns that tell the answer by themselves: most likely they were written down after it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipelines.metrics.suspicion import suspicions
from pipelines.scaffold.columns import FEW, Inferred, numbers
from pipelines.scaffold.reading import Reading
from pipelines.scaffold.shape import Shape, label_of

Values = npt.NDArray[np.float64]

_FEWEST = 20  # rows that one value must have to be judged
_SURE = 0.95
_ODDS = 20.0  # so many times the odds of all rows; a value that is honest seldom has them


def leaks_of(reading: Reading, columns: tuple[Inferred, ...], shape: Shape) -> dict[str, str]:
    """By column, how it tells the answer: all of it, by its order or by being there at all; or some of it, where one
    of its few values is nearly always one answer which elsewhere is rare (a flag of one cause among several)."""
    label = np.array(label_of(shape, reading))
    special = (shape.target, shape.time, shape.entity, shape.key, *shape.keys)
    judged = [c for c in columns if c not in special and not c.is_time and c.distinct]
    judged = [c for c in judged if c.type != "string" or c.among]
    as_numbers = {c.name: coded(c, reading.columns[c.field], label) for c in judged}
    class_count = len(shape.among)
    found: dict[str, str] = {}
    for column in judged:
        if class_count and column.among and (why := _sure(column, reading.columns[column.field], label, shape)):
            found[column.name] = why
    for one in suspicions(as_numbers, label, class_count=class_count):
        if one.is_too_good:
            measure = f"AUC {one.skill:.3f}" if class_count else f"rank correlation {one.skill:.4f}"
            found.setdefault(one.feature, f"{one.by} alone tell the answer ({measure})")
    return found


def coded(column: Inferred, texts: list[str], label: Values) -> Values:
    """A column as numbers; categories as the label's mean over their rows, so that their order means something."""
    if column.type != "string":
        return numbers(column, texts)
    names = np.array(texts)
    values = np.full(len(texts), np.nan)
    for name in column.among:
        rows = names == name
        known = label[rows & ~np.isnan(label)]
        values[rows] = known.mean() if len(known) else np.nan
    return values


def _sure(column: Inferred, texts: list[str], label: Values, shape: Shape) -> str:
    """Which value of the column is nearly always one answer, in words; "" if none is."""
    names, known = np.array(texts), ~np.isnan(label)
    for value in column.among[:FEW]:
        rows = label[(names == value) & known]
        for place, answer in enumerate(shape.among):
            part, of_all = float(np.mean(rows == place)) if len(rows) else 0.0, float(np.mean(label[known] == place))
            # as if one row more had another answer: a hundred of a hundred do not prove that it is always so
            odds = (part * len(rows) + 0.5) / ((1.0 - part) * len(rows) + 0.5)
            if len(rows) >= _FEWEST and part >= _SURE and odds >= _ODDS * of_all / (1.0 - of_all):
                return (
                    f"where it is {value}, {shape.target.name} is {answer} in {part:.0%} of {len(rows):,} rows "
                    f"(of all: {of_all:.1%})"
                )
    return ""
