"""Runs of facts in order, and what is made of each; numpy alone. What a run gives depends on its own values only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Instants = npt.NDArray[np.int64]
"""Microseconds since 1970-01-01 UTC."""
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]
"""NaN is no value."""

FOREVER = np.iinfo(np.int64).max
_AT_ONCE = 1 << 15  # what is worked on at a time, whatever the size of all: it stays in a core's own cache


@dataclass(frozen=True)
class Facts:
    """Facts that have a value, in order of (entity, event, known, value). until: `FOREVER` if they hold to this day."""

    entity: Places
    event: Instants
    known: Instants
    until: Instants
    value: Values

    def __len__(self) -> int:
        return len(self.event)

    def are_seen(self, index: Places, at: Instants) -> Flags:
        """Whether each was known and not yet taken back at the instant."""
        return (self.known[index] <= at) & (at < self.until[index])


@dataclass(frozen=True)
class Runs:
    """Runs side by side: run i is of the facts index[first[i]:past[i]]."""

    index: Places
    first: Places
    past: Places

    @cached_property
    def sizes(self) -> Places:
        return self.past - self.first

    def where(self, kept: Flags) -> Runs:
        """The same runs, of these facts alone. kept: for each of `index`."""
        places = np.concatenate([[0], np.cumsum(kept)])
        return Runs(self.index[kept], places[self.first], places[self.past])


def runs_of(first: Places, past: Places) -> Runs:
    """Runs of the facts from first to past (excluded), which may overlap: what lies in two is in `index` twice."""
    sizes = past - first
    ends = np.cumsum(sizes)
    starts = ends - sizes
    return Runs(np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - starts, sizes), starts, ends)


def slices(sizes: Places) -> Iterator[slice]:
    """Cut a list of works into such of about the same size, at least one work each."""
    so_far = np.cumsum(sizes)
    bounds = np.searchsorted(so_far, np.arange(_AT_ONCE, so_far[-1] if len(so_far) else 0, _AT_ONCE), "right")
    for first, past in zip([0, *bounds], [*bounds, len(sizes)], strict=True):
        if past > first:
            yield slice(first, past)
