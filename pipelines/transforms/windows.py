"""What the hours up to a cut-off hold, made afresh of the facts in them: for training, batch and single rows alike.

Needs no JVM: numpy alone. A fact is seen at a cut-off if it had happened, was known and was not taken back by then.
Seen facts go in order of (event, known, value), and are summed first within blocks of time on a fixed grid, then over
the blocks, both by powers of two (`parts`). So a window's features come of its seen facts alone, to the last bit,
whoever asks and whatever is asked beside it; and the work for it hardly grows with the number of its facts, which
mostly lie in blocks summed before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.contracts.features import Change, Ewm, Lag, Last, Op, Quantile, Rolling, Windowed
from pipelines.transforms.blocks import Blocks
from pipelines.transforms.parts import Ladder, Parts, alone, fading, merged, op_of, weighted_alone
from pipelines.transforms.runs import FOREVER, Facts, Instants, Places, Runs, Values, runs_of, slices


@dataclass(frozen=True)
class Told:
    """Facts, in any order. entity: whose, by number. until: `FOREVER` if they hold to this day."""

    entity: Places
    event: Instants
    known: Instants
    until: Instants
    values: Mapping[str, Values]

    def of(self, column: str) -> Facts:
        """Those with a finite value in the column, in order."""
        value = self.values[column]
        has = np.flatnonzero(np.isfinite(value))
        entity, event = self.entity[has], self.event[has]
        is_later = (entity[1:] > entity[:-1]) | (entity[1:] == entity[:-1]) & (event[1:] > event[:-1])
        if not is_later.all():  # on a time line they mostly are
            has = has[np.lexsort((value[has], self.known[has], event, entity))]
        entity, event, known, until = (of[has] for of in (self.entity, self.event, self.known, self.until))
        return Facts(entity, event, known, until, value[has])


@dataclass(frozen=True)
class Asked:
    """Cut-offs; quickest in order of (entity, at)."""

    entity: Places
    at: Instants


def windows(told: Told, asked: Asked, features: tuple[Windowed, ...]) -> dict[str, Values]:
    """By name, each feature at each of the cut-offs; NaN where nothing was seen, 0 for a count."""
    lines = {column: FactLine(told.of(column), asked) for column in {feature.column for feature in features}}
    found: dict[str, Values] = {}
    rolled: dict[str, dict[float, dict[Op, str]]] = defaultdict(lambda: defaultdict(dict))
    for feature in features:
        line, names = lines[feature.column], feature.names()
        match feature:
            case Rolling():
                rolled[feature.column][feature.hours][feature.op] = names[0]
            case Lag():
                for name, hours in zip(names, feature.hours, strict=True):
                    found[name] = line.newest(_us(hours), 1)
            case Last():
                found[names[0]] = line.last(_us(feature.hours), feature.rows, feature.op)
            case Quantile():
                found[names[0]] = line.quantile(_us(feature.hours), feature.q)
            case Ewm():
                found[names[0]] = line.ewm(_us(feature.hours), feature.half_life_hours * 3.6e9)
            case Change():
                now, then = (line.newest(_us(ends), _us(feature.ttl_hours)) for ends in (0.0, feature.hours))
                found[names[0]] = now - then if feature.by == "difference" else now / np.where(then == 0, np.nan, then)
    for column, spans in rolled.items():
        ops = {op for name_of in spans.values() for op in name_of}
        for hours, parts in lines[column].rolled(list(spans), ops):
            found |= {name: op_of(parts, op) for op, name in spans[hours].items()}
    return found


def totals_so_far(event: Instants, known: Instants, until: Instants, value: Values, at: int) -> dict[str, float | None]:
    """Each of the ops of Expanding over one entity's facts as they were at the instant `at`, in the order of `so_far`.

    until: FOREVER for what holds to this day. Instants are microseconds since 1970 UTC; NaN is no value.
    """
    enters = np.maximum(event, known)
    counts = np.isfinite(value) & (enters < until)
    came, left = counts & (enters <= at), counts & (until <= at) & (until != FOREVER)
    moves = [
        (int(when[i]), int(event[i]), int(known[i]), sign, float(value[i]))
        for chosen, when, sign in ((came, enters, 1), (left, until, -1))
        for i in np.flatnonzero(chosen)
    ]
    total, count = 0.0, 0
    for _, _, _, sign, each in sorted(moves):
        total, count = total + sign * each, count + sign
    found = total if count else None
    return {"count": float(count), "sum": found, "mean": None if found is None else found / count}


class FactLine:
    """The facts of one column and the cut-offs that they are asked about."""

    def __init__(self, facts: Facts, asked: Asked) -> None:
        self._facts, self._asked = facts, asked
        self._are_punctual = bool(np.all((facts.known <= facts.event) & (facts.until == FOREVER)))
        ends = (int(facts.event.min()), int(facts.event.max())) if len(facts) else (0, 0)
        self._first, self._span, self._moments = ends[0], ends[1] - ends[0] + 2, np.empty(0, np.int64)
        if (max(facts.entity.max(initial=0), asked.entity.max(initial=0)) + 1) * self._span > FOREVER:
            self._moments = np.unique(facts.event)
            self._span = len(self._moments) + 1
        self._place = self._rank(facts.entity, facts.event)
        self._places: dict[int, Places] = {}
        self._blocks: dict[int, Blocks] = {}

    def _rank(self, entity: Places, moment: Instants) -> Places:
        """A number in the order of (entity, moment), equal for moments between the same two events."""
        if len(self._moments):
            return entity * self._span + np.searchsorted(self._moments, moment, "right")
        before = self._first - 1
        return entity * self._span + np.clip(moment, before, before + self._span - 1) - before

    def _window(self, length: int, ends: int = 0) -> tuple[Places, Places]:
        """From which fact to which (excluded) each window goes: `length` long, up to `ends` before the cut-off."""
        for back in (ends + length, ends):
            if back not in self._places:
                rank = self._rank(self._asked.entity, self._asked.at - back)
                self._places[back] = np.searchsorted(self._place, rank, "right")
        return self._places[ends + length], self._places[ends]

    def _seen(self, start: Places, past: Places, at: Instants) -> Runs:
        facts = runs_of(start, past)
        if self._are_punctual:
            return facts
        return facts.where(self._facts.are_seen(facts.index, np.repeat(at, facts.sizes)))

    def rolled(self, hours: Sequence[float], ops: Collection[Op]) -> Iterator[tuple[float, Parts]]:
        """For each so long window what all that it sees tells, of which the ops can be made."""
        facts = Ladder(alone(self._facts.value, ops), merged)
        for each in hours:
            yield each, self._by_blocks(_us(each), facts)

    def ewm(self, length: int, half_life_us: float) -> Values:
        """The mean of each window with weights that halve every half-life back from the newest fact that it sees.

        From that one and not from the cut-off, which gives the same mean, so that no weights are too small to tell.
        """
        parts = weighted_alone(self._facts.value, self._facts.event)
        found = self._by_blocks(length, Ladder(parts, fading(half_life_us)))
        return found["sum"] / found["weight"]

    def _by_blocks(self, length: int, facts: Ladder) -> Parts:
        """Each window as one part; of one that sees nothing every float is NaN. facts: each as one."""
        start, past = self._window(length)
        has = np.flatnonzero(past > start)
        if not len(has):
            return facts.over(start, start)
        if length not in self._blocks:
            self._blocks[length] = Blocks(self._facts, length)
        blocks, at = self._blocks[length], self._asked.at
        if len(has) == len(start):
            return blocks.gathered(start, past, at, facts)
        found = facts.over(start, start)
        for name, values in blocks.gathered(start[has], past[has], at[has], facts).items():
            found[name][has] = values
        return found

    def quantile(self, length: int, q: float) -> Values:
        """The quantile of all that is seen in each window, linear between two values."""
        start, past = self._window(length)
        found = np.full(len(start), np.nan)
        for some in slices(past - start):
            runs = self._seen(start[some], past[some], self._asked.at[some])
            owner = np.repeat(np.arange(len(runs.sizes)), runs.sizes)
            value = self._facts.value[runs.index]
            value = value[np.lexsort((value, owner))]
            has = runs.sizes > 0
            place = q * (runs.sizes[has] - 1)
            below = np.floor(place).astype(np.int64)
            low, high = (value[runs.first[has] + at] for at in (below, np.ceil(place).astype(np.int64)))
            found[some][has] = low + (high - low) * (place - below)
        return found

    def newest(self, ends: int, length: int) -> Values:
        """The newest value that each window sees, which is `length` long and ends so long before the cut-off."""
        start, past = self._window(length, ends)
        found = np.full(len(start), np.nan)
        if self._are_punctual:
            has = past > start
            found[has] = self._facts.value[past[has] - 1]
            return found
        for some, runs in self._newest(start, past, 1):
            has = runs.past > runs.first
            found[some][has] = self._facts.value[runs.index[runs.past[has] - 1]]
        return found

    def last(self, length: int, rows: int, op: Op) -> Values:
        """`op` over the newest so many values that each window sees."""
        start, past = self._window(length)
        found = np.empty(len(start))
        for some, runs in self._newest(start, past, rows):
            parts = alone(self._facts.value[runs.index], {op})
            first = np.maximum(runs.past - rows, runs.first)
            found[some] = op_of(Ladder(parts, merged).over(first, runs.past), op)
        return found

    def _newest(self, start: Places, past: Places, rows: int) -> Iterator[tuple[slice, Runs]]:
        """Of some windows at a time their newest seen facts: so many, or a few more, or all where there are fewer."""
        reach = np.minimum(past - start, rows)
        for some in slices(reach + 1):
            to, most, at, back = past[some], (past - start)[some], self._asked.at[some], reach[some]
            lacking = np.arange(len(to))
            while len(lacking) and not self._are_punctual:  # further back, where late or revoked facts leave too few
                seen = self._seen((to - back)[lacking], to[lacking], at[lacking])
                lacking = lacking[(seen.sizes < rows) & (back < most)[lacking]]
                back[lacking] = np.minimum(most, 4 * back)[lacking]
            yield some, self._seen(to - back, to, at)


def _us(hours: float) -> int:
    return round(hours * 3600) * 1_000_000
