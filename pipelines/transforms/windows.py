"""What the hours up to a cut-off hold, made afresh of the facts in them: for training, batch and single rows alike.

Needs no JVM: numpy alone. A fact is seen at a cut-off if it had happened, was known and was not taken back by then.
Seen facts go in order of (event, known, value), and are summed first within blocks of time on a fixed grid, then over
the blocks. So a window's features come of its seen facts alone, to the last bit, whoever asks and whatever is asked
beside it; and the work for it hardly grows with the number of its facts, which mostly lie in blocks summed before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from pipelines.contracts.features import Change, Ewm, Lag, Last, Op, Quantile, Rolling, Windowed
from pipelines.transforms.blocks import Blocks, Parts
from pipelines.transforms.runs import FOREVER, Facts, Instants, Places, Runs, Values, of_each, runs_of, slices


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
        in_order = has[np.lexsort((value[has], self.known[has], self.event[has], self.entity[has]))]
        entity, event, known, until = (part[in_order] for part in (self.entity, self.event, self.known, self.until))
        return Facts(entity, event, known, until, value[in_order])


@dataclass(frozen=True)
class Asked:
    """Cut-offs; quickest in order of (entity, at)."""

    entity: Places
    at: Instants


def windows(told: Told, asked: Asked, features: tuple[Windowed, ...]) -> dict[str, Values]:
    """By name, each feature at each of the cut-offs; NaN where nothing was seen, 0 for a count."""
    lines = {column: FactLine(told.of(column), asked) for column in {feature.column for feature in features}}
    found: dict[str, Values] = {}
    rolled: dict[tuple[str, float], dict[Op, str]] = defaultdict(dict)
    for feature in features:
        line, names = lines[feature.column], feature.names()
        match feature:
            case Rolling():
                rolled[feature.column, feature.hours][feature.op] = names[0]
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
    for (column, hours), name_of in rolled.items():
        made = lines[column].rolled(_us(hours), set(name_of))
        found |= {name: made[op] for op, name in name_of.items()}
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
        self._moments = np.unique(facts.event)
        self._place = self._rank(facts.entity, facts.event)

    def _rank(self, entity: Places, moment: Instants) -> Places:
        return entity * (len(self._moments) + 1) + np.searchsorted(self._moments, moment, "right")

    def _window(self, length: int, ends: int = 0) -> tuple[Places, Places]:
        """From which fact to which (excluded) each window goes: `length` long, up to `ends` before the cut-off."""
        end = self._asked.at - ends
        start, past = (
            np.searchsorted(self._place, self._rank(self._asked.entity, moment), "right")
            for moment in (end - length, end)
        )
        return start, past

    def _seen(self, start: Places, past: Places, at: Instants) -> Runs:
        facts = runs_of(start, past)
        return facts.where(self._facts.are_seen(facts.index, np.repeat(at, facts.sizes)))

    def rolled(self, length: int, ops: set[Op]) -> dict[str, Values]:
        """Each of the ops over all that is seen in each window."""
        value = self._facts.value

        def of(parts: Parts, first: Places, past: Places) -> dict[str, Values]:
            return {op: _OF[op](parts, first, past) for op in ops}

        found = self._by_blocks(length, lambda runs: _stats(value[runs.index], runs), of, ops)
        if "count" in ops:
            found["count"] = np.nan_to_num(found["count"])
        return found

    def ewm(self, length: int, half_life_us: float) -> Values:
        """The mean of each window with weights that halve every half-life back from the newest fact that it sees.

        From that one and not from the cut-off, which gives the same mean, so that no weights are too small to tell.
        """
        event, value = self._facts.event, self._facts.value

        def stats(runs: Runs) -> Parts:
            newest = event[runs.index[runs.past - 1]]
            weight = np.exp2((event[runs.index] - np.repeat(newest, runs.sizes)) / half_life_us)
            totals = {"weight": weight, "sum": weight * value[runs.index]}
            return {name: of_each(np.add, each, runs.first, runs.past) for name, each in totals.items()} | {
                "newest": newest
            }

        def of(parts: Parts, first: Places, past: Places) -> dict[str, Values]:
            runs, newest = runs_of(first, past), parts["newest"]
            from_newest = newest[runs.index] - np.repeat(newest[past[past > first] - 1], runs.sizes[past > first])
            fades = np.exp2(from_newest / half_life_us)
            total, weight = (
                of_each(np.add, fades * parts[name][runs.index], runs.first, runs.past) for name in ("sum", "weight")
            )
            return {"mean": total / weight}

        return self._by_blocks(length, stats, of, ("mean",))["mean"]

    def _by_blocks(
        self,
        length: int,
        stats: Callable[[Runs], Parts],
        of: Callable[[Parts, Places, Places], dict[str, Values]],
        names: Collection[str],
    ) -> dict[str, Values]:
        start, past = self._window(length)
        found, has = {name: np.full(len(start), np.nan) for name in names}, np.flatnonzero(past > start)
        if len(has):
            made = Blocks(self._facts, length, stats).gathered(start[has], past[has], self._asked.at[has], of)
            for name, values in made.items():
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
        for some, runs in self._newest(start, past, 1):
            has = runs.past > runs.first
            found[some][has] = self._facts.value[runs.index[runs.past[has] - 1]]
        return found

    def last(self, length: int, rows: int, op: Op) -> Values:
        """`op` over the newest so many values that each window sees."""
        start, past = self._window(length)
        found = np.empty(len(start))
        for some, runs in self._newest(start, past, rows):
            value, each = self._facts.value[runs.index], np.arange(len(runs.index))
            parts = _stats(value, Runs(runs.index, each, each + 1))
            found[some] = _OF[op](parts, np.maximum(runs.past - rows, runs.first), runs.past)
        return found

    def _newest(self, start: Places, past: Places, rows: int) -> Iterator[tuple[slice, Runs]]:
        """Of some windows at a time their newest seen facts: so many, or a few more, or all where there are fewer."""
        reach = np.minimum(past - start, rows)
        for some in slices(reach + 1):
            to, most, at, back = past[some], (past - start)[some], self._asked.at[some], reach[some]
            lacking = np.arange(len(to))
            while len(lacking):  # further back, where late or revoked facts leave too few
                seen = self._seen((to - back)[lacking], to[lacking], at[lacking])
                lacking = lacking[(seen.sizes < rows) & (back < most)[lacking]]
                back[lacking] = np.minimum(most, 4 * back)[lacking]
            yield some, self._seen(to - back, to, at)


def _stats(values: Values, runs: Runs) -> Parts:
    """What a part must tell, so that any op over a window can be made of its parts. values: the runs', side by side."""
    total = of_each(np.add, values, runs.first, runs.past)
    off = values - np.repeat(total / runs.sizes, runs.sizes)
    return {
        "n": runs.sizes,
        "sum": total,
        "min": of_each(np.minimum, values, runs.first, runs.past),
        "max": of_each(np.maximum, values, runs.first, runs.past),
        "squares": of_each(np.add, off * off, runs.first, runs.past),
    }


def _count(parts: Parts, first: Places, past: Places) -> Values:
    so_far = np.concatenate([[0], np.cumsum(parts["n"])])
    return (so_far[past] - so_far[first]).astype(np.float64)


def _sum(parts: Parts, first: Places, past: Places) -> Values:
    return of_each(np.add, parts["sum"], first, past)


def _mean(parts: Parts, first: Places, past: Places) -> Values:
    with np.errstate(invalid="ignore"):
        return _sum(parts, first, past) / _count(parts, first, past)


def _std(parts: Parts, first: Places, past: Places) -> Values:
    """Of the parts' means about the mean of all and of the values about the parts' means, so that large values do not
    swamp small differences (Chan, Golub and LeVeque, 1979)."""
    runs, count = runs_of(first, past), _count(parts, first, past)
    n, total, squares = (parts[name][runs.index] for name in ("n", "sum", "squares"))
    off = total / n - np.repeat(_mean(parts, first, past), runs.sizes)
    squares = of_each(np.add, squares + n * (off * off), runs.first, runs.past)
    return np.sqrt(squares / np.where(count > 1, count - 1, np.nan))


_OF: dict[str, Callable[[Parts, Places, Places], Values]] = {
    "count": _count,
    "sum": _sum,
    "mean": _mean,
    "min": lambda parts, first, past: of_each(np.minimum, parts["min"], first, past),
    "max": lambda parts, first, past: of_each(np.maximum, parts["max"], first, past),
    "std": _std,
}


def _us(hours: float) -> int:
    return round(hours * 3600) * 1_000_000
