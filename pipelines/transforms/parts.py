"""What is told of the parts of windows, and the ops over windows that are made of it; numpy alone."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

import numpy as np
import numpy.typing as npt

from pipelines.contracts.features import Op
from pipelines.transforms.runs import Places, Runs, Values, of_each, runs_of

Parts = dict[str, npt.NDArray]
"""What is known of each of many parts of windows, by its name."""


def stats_of(values: Values, runs: Runs, ops: Collection[Op]) -> Parts:
    """What a part must tell, so that the ops over a window can be made of its parts. values: the runs', side by
    side."""
    total = of_each(np.add, values, runs.first, runs.past)
    parts: Parts = {"n": runs.sizes, "sum": total}
    if "min" in ops:
        parts["min"] = of_each(np.minimum, values, runs.first, runs.past)
    if "max" in ops:
        parts["max"] = of_each(np.maximum, values, runs.first, runs.past)
    if "std" in ops:
        off = values - np.repeat(total / runs.sizes, runs.sizes)
        parts["squares"] = of_each(np.add, off * off, runs.first, runs.past)
    return parts


def alone(values: Values) -> Parts:
    """The same of each value alone, but for what is the same of all: an n of 1 and squares of 0."""
    return {"sum": values, "min": values, "max": values}


class Over:
    """Ops over windows, each of the parts from first to past (excluded)."""

    def __init__(self, parts: Parts, first: Places, past: Places) -> None:
        self._parts, self._first, self._past = parts, first, past

    def of(self, op: Op) -> Values:
        match op:
            case "count":
                return self._count
            case "sum":
                return self._sum
            case "mean":
                return self._mean
            case "std":
                return self._std()
            case "min":
                return of_each(np.minimum, self._parts["min"], self._first, self._past)
            case "max":
                return of_each(np.maximum, self._parts["max"], self._first, self._past)

    @cached_property
    def _count(self) -> Values:
        if "n" not in self._parts:
            return (self._past - self._first).astype(np.float64)
        so_far = np.concatenate([[0], np.cumsum(self._parts["n"])])
        return (so_far[self._past] - so_far[self._first]).astype(np.float64)

    @cached_property
    def _sum(self) -> Values:
        return of_each(np.add, self._parts["sum"], self._first, self._past)

    @cached_property
    def _mean(self) -> Values:
        with np.errstate(invalid="ignore"):
            return self._sum / self._count

    def _std(self) -> Values:
        """Of the parts' means about the mean of all and of the values about the parts' means, so that large values do
        not swamp small differences (Chan, Golub and LeVeque, 1979)."""
        runs, count = runs_of(self._first, self._past), self._count
        mean, total = np.repeat(self._mean, runs.sizes), self._parts["sum"][runs.index]
        if "n" not in self._parts:
            off = total - mean
            squares = off * off
        else:
            n = self._parts["n"][runs.index]
            off = total / n - mean
            squares = self._parts["squares"][runs.index] + n * (off * off)
        squares = of_each(np.add, squares, runs.first, runs.past)
        return np.sqrt(squares / np.where(count > 1, count - 1, np.nan))
