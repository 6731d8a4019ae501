"""The parts of many windows, by blocks of time on a grid; numpy alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipelines.transforms.parts import Parts
from pipelines.transforms.runs import FOREVER, Facts, Instants, Places, Runs, Values, runs_of, slices

BLOCKS = 256
"""So many steps of the grid are as long as a window."""


class Blocks:
    """Facts by blocks of time.

    A window is made of parts, one for each block of which it sees a fact: what `stats` makes of the facts that it sees.
    A block that a window holds and sees whole is the same part for all such windows, so it is made once.
    """

    def __init__(self, facts: Facts, length: int, stats: Callable[[Runs], Parts], alone: Parts) -> None:
        """length: that of the windows (microseconds), which the grid goes by. alone: the parts of each fact alone."""
        self._facts, self._stats, self._alone = facts, stats, alone
        every = np.arange(len(facts))
        grid = facts.event // max(length // BLOCKS, 1)
        is_first = np.ones(len(facts), np.bool_)
        is_first[1:] = (grid[1:] != grid[:-1]) | (facts.entity[1:] != facts.entity[:-1])
        first = np.flatnonzero(is_first)
        past = np.append(first, len(facts))[1:]
        self._all = Runs(every, first, past)
        self._block = np.cumsum(is_first) - 1
        self._known_from, self._known_to = (of.reduceat(facts.known, first) for of in (np.minimum, np.maximum))
        self._until = np.minimum.reduceat(facts.until, first)
        # a window without one of these is just the run of its facts: each a block of its own, seen since it happened
        is_hard = (facts.known > facts.event) | (facts.until != FOREVER) | (self._all.sizes > 1)[self._block]
        self._hard = np.concatenate([[0], np.cumsum(is_hard)])

    def gathered(
        self, start: Places, end: Places, at: Instants, of: Callable[[Parts, Places, Places], Parts]
    ) -> dict[str, Values]:
        """What `of` makes of each window's parts, given as parts and from which to which they are each window's.

        The windows are of the facts from start to end (excluded), none of them empty, as seen at the instants `at`.
        """
        found: dict[str, Values] = {}

        def put(some: Places, values: Parts) -> None:
            for name, made in values.items():
                found.setdefault(name, np.empty(len(start)))[some] = made

        is_hard = self._hard[end] > self._hard[start]
        easy, hard = np.flatnonzero(~is_hard), np.flatnonzero(is_hard)
        for of_easy in slices((end - start)[easy]):
            some = easy[of_easy]
            put(some, of(self._alone, start[some], end[some]))
        whole = self._stats(self._all) if len(hard) else {}
        for of_hard in slices((self._block[end[hard] - 1] - self._block[start[hard]]) + 1):
            some = hard[of_hard]
            put(some, of(*self._parts(start[some], end[some], at[some], whole)))
        return found

    def _parts(self, start: Places, end: Places, at: Instants, whole: Parts) -> tuple[Parts, Places, Places]:
        """The parts of some windows, and from which to which (excluded) they are each window's."""
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
            for name, values in self._stats(Runs(seen.index, seen.first[has], seen.past[has])).items():
                parts[name][some[has]] = values
        kept = blocks.where(is_part)
        return {name: values[is_part] for name, values in parts.items()}, kept.first, kept.past
