"""What is told of the parts of windows, and how two become one; numpy alone.

A run of parts becomes one by powers of two: those that the binary digits of its length name, the smallest first and
oldest, each of two halves that were made alike. So it comes of its own parts alone, to the last bit, and the halves are
shared by all runs that overlap: the work hardly grows with their lengths.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import numpy.typing as npt

from pipelines.contracts.features import Op
from pipelines.transforms.runs import Instants, Places, Values

Parts = dict[str, npt.NDArray]
"""What is known of each of many parts of windows, by its name."""
Merge = Callable[[Parts, Parts], Parts]
"""Older parts and the newer ones beside them, each two as one."""
_RUNS_AT_ONCE = 1 << 14  # what is worked on stays in a core's own cache


class Ladder:
    """Parts side by side, and how neighbours become one."""

    def __init__(self, parts: Parts, merged: Merge) -> None:
        self.parts, self.merged = parts, merged
        self._rungs = [parts]

    def over(self, first: Places, past: Places) -> Parts:
        """Each run from first to past (excluded) as one part; of an empty one every float is NaN."""
        found = {name: _nothing(values, len(first)) for name, values in self.parts.items()}
        for begin in range(0, len(first), _RUNS_AT_ONCE):
            some = slice(begin, begin + _RUNS_AT_ONCE)
            self._fill({name: values[some] for name, values in found.items()}, first[some], (past - first)[some])
        return found

    def _fill(self, found: Parts, first: Places, sizes: Places) -> None:
        at, is_begun = first.copy(), np.zeros(len(first), np.bool_)
        for rung in range(int(sizes.max(initial=0)).bit_length()):
            some = np.flatnonzero(sizes & (1 << rung))
            if not len(some):
                continue
            place = at[some]
            here = {name: values.take(place) for name, values in self._rung(rung).items()}
            at[some] = place + (1 << rung)
            later = np.flatnonzero(is_begun[some])
            if len(later) == len(some):
                here = self.merged({name: values.take(some) for name, values in found.items()}, here)
            elif len(later):
                older = {name: values.take(some[later]) for name, values in found.items()}
                newer = {name: values.take(later) for name, values in here.items()}
                for name, values in self.merged(older, newer).items():
                    here[name][later] = values
            for name, values in here.items():
                found[name][some] = values
            is_begun[some] = True

    def _rung(self, rung: int) -> Parts:
        """At each place the part that so many as 2 to the power of `rung` make from there on."""
        while rung >= len(self._rungs):
            below, half = self._rungs[-1], 1 << (len(self._rungs) - 1)
            # what two runs make is a part of neither, so whatever it comes to is not asked for
            with np.errstate(over="ignore", invalid="ignore"):
                older, newer = (
                    {name: of[cut] for name, of in below.items()} for cut in (slice(-half), slice(half, None))
                )
                self._rungs.append(self.merged(older, newer))
        return self._rungs[rung]


def _nothing(like: npt.NDArray, count: int) -> npt.NDArray:
    return np.full(count, np.nan if like.dtype.kind == "f" else 0, like.dtype)


def alone(values: Values, ops: Collection[Op]) -> Parts:
    """What a part must tell, so that the ops over a window can be made of its parts; each value is one."""
    parts: Parts = {"n": np.ones(len(values)), "sum": values}
    if "min" in ops:
        parts["min"] = values
    if "max" in ops:
        parts["max"] = values
    if "std" in ops:
        parts["squares"] = np.zeros(len(values))
    return parts


def merged(older: Parts, newer: Parts) -> Parts:
    """Two parts as one; squares, about their mean, as Chan, Golub and LeVeque (1979) have it, so that large values do
    not swamp small differences."""
    found: Parts = {name: older[name] + newer[name] for name in ("n", "sum")}
    if "min" in older:
        found["min"] = np.minimum(older["min"], newer["min"])
    if "max" in older:
        found["max"] = np.maximum(older["max"], newer["max"])
    if "squares" in older:
        apart = newer["sum"] / newer["n"] - older["sum"] / older["n"]
        between = apart * apart * (older["n"] * newer["n"] / found["n"])
        found["squares"] = older["squares"] + newer["squares"] + between
    return found


def op_of(parts: Parts, op: Op) -> Values:
    """The op over each window, which is one part; of an empty one the count is 0, all else NaN."""
    match op:
        case "count":
            return np.nan_to_num(parts["n"])
        case "sum" | "min" | "max":
            return parts[op]
        case "mean":
            return parts["sum"] / parts["n"]
        case "std":
            n = parts["n"]
            return np.sqrt(parts["squares"] / np.where(n > 1, n - 1, np.nan))


def weighted_alone(values: Values, event: Instants) -> Parts:
    """The same of a mean whose weights halve back from the newest of a window: alone each weighs 1."""
    return {"weight": np.ones(len(values)), "sum": values, "newest": event}


def fading(half_life_us: float) -> Merge:
    """Two parts as one, the weights counted from the newer one's newest."""

    def faded(older: Parts, newer: Parts) -> Parts:
        fades = np.exp2((older["newest"] - newer["newest"]) / half_life_us)
        return {name: newer[name] + fades * older[name] for name in ("weight", "sum")} | {"newest": newer["newest"]}

    return faded
