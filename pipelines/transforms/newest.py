"""The newest fact that each cut-off sees, whatever it says; numpy alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pipelines.transforms.runs import FOREVER, Facts, Flags, Instants, Places
from pipelines.transforms.windows import Asked, FactLine


@dataclass(frozen=True)
class Line:
    """Facts and cut-offs, row by row and in any order; quickest in that of (group, at, is_probe).

    group: whose, by number. at: the cut-off, or from when the fact can be seen: it has happened and is known. until:
    `FOREVER` for what holds to this day. What is said of facts alone is nothing to a cut-off.
    """

    group: Places
    at: Instants
    is_probe: Flags
    event: Instants
    known: Instants
    until: Instants

    @cached_property
    def in_order(self) -> Places:
        """The rows in that order."""
        same = self.group[1:] == self.group[:-1]
        later = (self.at[1:] > self.at[:-1]) | (self.at[1:] == self.at[:-1]) & (self.is_probe[1:] >= self.is_probe[:-1])
        if np.all((self.group[1:] > self.group[:-1]) | same & later):
            return np.arange(len(self.group))
        return np.lexsort((self.is_probe, self.at, self.group))


@dataclass(frozen=True)
class Newest:
    """What each cut-off of a line sees as the newest. fact: its row, -1 where there is none. still: for each row of the
    line whether it is a fact that a cut-off after `low` may see as the newest one."""

    fact: Places
    still: Flags


def newest(line: Line, says: Flags, in_order: Callable[[Places], Places], reach: int, low: Instants) -> Newest:
    """The greatest (event, known, what it says) that each cut-off sees, among the rows that say something.

    What holds to this day is taken along the line, so that a late fact never hides a newer one. What was revoked later
    would end there, which a maximum cannot forget, so it is looked up; only events less than `reach` ago matter then.
    in_order: puts rows in order of what they say; asked for ties of (event, known) alone.
    """
    rows = line.in_order
    chosen = (says & ~line.is_probe)[rows]
    facts, is_asked = rows[chosen], line.is_probe[rows]
    before = np.cumsum(chosen)[is_asked]
    probes = rows[is_asked]
    found = np.full(len(line.group), -1, np.int64)
    still = np.zeros(len(line.group), np.bool_)
    if len(facts):
        by_rank = _ranked(line, facts, in_order)
        rank = np.empty(len(line.group), np.int64)
        rank[by_rank] = np.arange(len(by_rank))
        lasts = line.until[facts] == FOREVER
        greatest = np.maximum.accumulate(np.where(lasts, rank[facts], -1))
        place = np.where(before > 0, greatest[before - 1], -1)
        # ranks go up from group to group, so what was found may be another's
        place[line.group[by_rank[place]] != line.group[probes]] = -1
        if not lasts.all():
            revoked = by_rank[(line.until != FOREVER)[by_rank]]
            place = np.maximum(place, _looked_up(line, revoked, rank, probes, reach))
            still[revoked] = (line.until > low)[revoked] & (line.event > low - reach)[revoked]
        found[probes] = np.where(place < 0, -1, by_rank[place])
        still[_records(line, facts, greatest, low)] = True
    return Newest(found[line.is_probe], still)


def _ranked(line: Line, facts: Places, in_order: Callable[[Places], Places]) -> Places:
    """The facts in order of (group, event, known, what they say). facts: in order of (group, at)."""
    is_greater, is_same = _compared(line, facts)
    if not np.all(is_greater | is_same):  # most lines have no late facts
        facts = facts[np.lexsort([of[facts] for of in (line.known, line.event, line.group)])]
        is_greater, is_same = _compared(line, facts)
    if not is_same.any():
        return facts
    tied = np.flatnonzero(np.append(is_same, False) | np.append(False, is_same))
    says, tie = np.empty(len(tied), np.int64), np.cumsum(np.append(True, is_greater))[tied]
    says[in_order(facts[tied])] = np.arange(len(tied))
    facts = facts.copy()
    facts[tied] = facts[tied][np.lexsort((says, tie))]
    return facts


def _compared(line: Line, facts: Places) -> tuple[Flags, Flags]:
    """Of each fact but the first, whether its (group, event, known) is greater than, or equal to, that of the one
    before."""
    is_greater, is_same = np.zeros(len(facts) - 1, np.bool_), np.ones(len(facts) - 1, np.bool_)
    for of in (line.group, line.event, line.known):
        before, after = of[facts[:-1]], of[facts[1:]]
        is_greater |= is_same & (after > before)
        is_same &= after == before
    return is_greater, is_same


def _looked_up(line: Line, revoked: Places, rank: Places, probes: Places, reach: int) -> Places:
    """The greatest rank that each probe sees among the revoked facts, which come in order of rank; -1: none."""
    entity, event, known, until = (of[revoked] for of in (line.group, line.event, line.known, line.until))
    facts = Facts(entity, event, known, until, rank[revoked].astype(np.float64))
    seen = FactLine(facts, Asked(line.group[probes], line.at[probes])).newest(0, reach)
    return np.where(np.isnan(seen), -1, seen).astype(np.int64)


def _records(line: Line, facts: Places, greatest: Places, low: Instants) -> Places:
    """The facts that are the newest from some instant after `low` on, for all that later facts of the line leave."""
    is_new = greatest > np.append(-1, greatest[:-1])
    records = facts[is_new]
    group, at = line.group[records], line.at[records]
    lasts = np.ones(len(records), np.bool_)
    lasts[:-1] = (group[1:] != group[:-1]) | (at[1:] > np.maximum(low[records], at)[:-1])
    return records[lasts]
