"""The parts of many windows, by blocks of time on a grid; numpy alone."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from pipelines.transforms.parts import Ladder, Parts
from pipelines.transforms.runs import FOREVER, Facts, Instants, Places, Runs, runs_of, slices

BLOCKS = 256
"""So many steps of the grid are as long as a window."""


class Blocks:
    """Facts by blocks of time.

    A window is made of parts, one for each block of which it sees a fact. A block that a window holds and sees whole is
    the same part for all such windows, so it is made once.
    """

    def __init__(self, facts: Facts, length: int) -> None:
        """length: that of the windows (microseconds), which the grid goes by."""
        self._facts = facts
        grid = facts.event // max(length // BLOCKS, 1)
        is_first = np.ones(len(facts), np.bool_)
        is_first[1:] = (grid[1:] != grid[:-1]) | (facts.entity[1:] != facts.entity[:-1])
        first = np.flatnonzero(is_first)
        past = np.append(first, len(facts))[1:]
        self._all = Runs(np.arange(len(facts)), first, past)
        self._block = np.cumsum(is_first) - 1
        # a window without one of these is just the run of its facts: each a block of its own, seen since it happened
        is_hard = (facts.known > facts.event) | (facts.until != FOREVER)
        if len(first) < len(facts):
            is_hard |= (self._all.sizes > 1)[self._block]
        self._hard = np.concatenate([[0], np.cumsum(is_hard)])

    @cached_property
    def _known_from(self) -> Instants:
        return np.minimum.reduceat(self._facts.known, self._all.first)

    @cached_property
    def _known_to(self) -> Instants:
        return np.maximum.reduceat(self._facts.known, self._all.first)

    @cached_property
    def _until(self) -> Instants:
        return np.minimum.reduceat(self._facts.until, self._all.first)

    def gathered(self, start: Places, end: Places, at: Instants, facts: Ladder) -> Parts:
        """Each window as one part, of which every float is NaN where it sees nothing. facts: each as a part.

        The windows are of the facts from start to end (excluded), none of them empty, as seen at the instants `at`.
        """
        is_hard = self._hard[end] > self._hard[start]
        if not is_hard.any():
            return facts.over(start, end)
        easy, hard = np.flatnonzero(~is_hard), np.flatnonzero(is_hard)
        found = {name: np.empty(len(start), values.dtype) for name, values in facts.parts.items()}

        def put(some: Places, parts: Parts) -> None:
            for name, values in parts.items():
                found[name][some] = values

        put(easy, facts.over(start[easy], end[easy]))
        whole = facts.over(self._all.first, self._all.past)
        for of_hard in slices((self._block[end[hard] - 1] - self._block[start[hard]]) + 1):
            some = hard[of_hard]
            parts, first, past = self._parts(start[some], end[some], at[some], whole, facts)
            put(some, Ladder(parts, facts.merged).over(first, past))
        return found

    def _parts(
        self, start: Places, end: Places, at: Instants, whole: Parts, of_facts: Ladder
    ) -> tuple[Parts, Places, Places]:
        """The parts of some windows, side by side, and from which to which (excluded) they are each window's."""
        blocks = runs_of(self._block[start], self._block[end - 1] + 1)
        block, cut = blocks.index, np.repeat(at, blocks.sizes)
        first = np.maximum(self._all.first[block], np.repeat(start, blocks.sizes))
        past = np.minimum(self._all.past[block], np.repeat(end, blocks.sizes))
        is_whole = past - first == self._all.sizes[block]
        is_whole &= (self._known_to[block] <= cut) & (cut < self._until[block])
        parts = {name: values[block] for name, values in whole.items()}
        opened = np.flatnonzero(~is_whole & (self._known_from[block] <= cut))
        is_part = is_whole.copy()
        for of_opened in slices((past - first)[opened]):
            some = opened[of_opened]
            facts = runs_of(first[some], past[some])
            seen = facts.where(self._facts.are_seen(facts.index, np.repeat(cut[some], facts.sizes)))
            has = seen.sizes > 0
            is_part[some] = has
            beside = Ladder({name: of[seen.index] for name, of in of_facts.parts.items()}, of_facts.merged)
            for name, values in beside.over(seen.first[has], seen.past[has]).items():
                parts[name][some[has]] = values
        kept = blocks.where(is_part)
        return {name: values[is_part] for name, values in parts.items()}, kept.first, kept.past
