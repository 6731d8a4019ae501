"""What the rows are: values of a series at even steps, events, or things without a time; their key, and the target."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from pipelines.scaffold.columns import Inferred, instants, number, numbers
from pipelines.scaffold.reading import Reading
from pipelines.scaffold.refusal import ScaffoldRefused

Kind = Literal["series", "events", "timeless"]
Asked = Literal["forecast", "estimate", "classify"]

_EVEN = 0.9  # of all distances between neighbours, to be called a series
_ALIKE = 0.99  # of all rows may have a time of their own; two hours of one name, say, are no reason against a series
_FEWEST_STEPS = 50
NAMES_A_KEY = re.compile(r"(^|_)(id|uid|udi|uuid|key|no|nr|number|code|index|serial)($|_)")
"""Names that a key is likely to have."""
_NAMES_A_TARGET = re.compile(
    r"(^|_)(target|label|class|outcome|result|response|y|failure|failed|fraud|default|churn|churned|is_\w+)($|_)"
)
_MOST_CLASSES = 20
_MOST_NUMBERS = 10  # so many whole numbers are taken for the names of classes


@dataclass(frozen=True)
class Shape:
    """time: the column with the instant of a row. entity: what a series is one of, None for one series alone. key: the
    column that names a row, None where none does. keys: others that could. step: of a series. asked: the kind of task.
    among: the values of a target that is classified, the rarest last.
    """

    kind: Kind
    asked: Asked
    target: Inferred
    time: Inferred | None = None
    entity: Inferred | None = None
    key: Inferred | None = None
    keys: tuple[Inferred, ...] = ()
    times: tuple[Inferred, ...] = ()
    step: timedelta = timedelta(0)
    first: datetime | None = None
    last: datetime | None = None
    among: tuple[str, ...] = ()


def shape_of(reading: Reading, columns: Sequence[Inferred], target: str = "") -> Shape:
    """The shape of the rows with this target (a field, or a column's name; "" to choose one); ScaffoldRefused where
    there is no such column, or none that can be asked about."""
    times = tuple(c for c in columns if c.is_time and not c.nullable and c.distinct > 1)
    keys = _keys(reading, columns, times)
    wanted = _named(columns, target) if target else _likely(columns, (*keys, *times))
    asked, among = _question(wanted, reading)
    keys = tuple(key for key in keys if key is not wanted)
    for time in times:
        is_measured = wanted.is_number and wanted.distinct > 2
        if is_measured and (found := _series(reading, columns, time, wanted)):
            entity, step = found
            begin, end = _ends(reading, time)
            return Shape("series", "forecast", wanted, time, entity, step=step, times=times, first=begin, last=end)
    first, last = _ends(reading, times[0]) if times else (None, None)
    return Shape(
        "events" if times else "timeless",
        asked,
        wanted,
        times[0] if times else None,
        key=keys[0] if keys else None,
        keys=keys[1:],
        times=times,
        first=first,
        last=last,
        among=among,
    )


def _named(columns: Sequence[Inferred], target: str) -> Inferred:
    found = next((c for c in columns if target in (c.field, c.name)), None)
    if found is None:
        there = ", ".join(f"'{c.field}'" for c in columns)
        raise ScaffoldRefused(f"--target: no column '{target}'. There are: {there}")
    return found


def _likely(columns: Sequence[Inferred], besides: Sequence[Inferred]) -> Inferred:
    """The column that is named like an answer, else the last one that can be asked about."""
    can = [c for c in columns if c not in besides and c.distinct > 1 and (c.type != "string" or c.among)]
    can = [c for c in can if not c.is_time and not (c.type == "string" and len(c.among) > _MOST_CLASSES)]
    if not can:
        raise ScaffoldRefused("no column can be asked about: none has numbers or few values. Name one with --target")
    return next((c for c in can if _NAMES_A_TARGET.search(c.name)), can[-1])


def _question(target: Inferred, reading: Reading) -> tuple[Asked, tuple[str, ...]]:
    if target.is_time:
        raise ScaffoldRefused(f"--target: '{target.field}' holds times. Ask about a number, or about one of few values")
    if target.distinct < 2:
        raise ScaffoldRefused(f"--target: '{target.field}' has one value alone, so there is nothing to learn")
    is_class = target.distinct == 2 or target.type in ("string", "boolean")
    is_class |= target.is_whole and target.distinct <= _MOST_NUMBERS and not any("-" in text for text in target.among)
    if not is_class:
        return "estimate", ()
    if not target.among or len(target.among) > _MOST_CLASSES:
        raise ScaffoldRefused(
            f"--target: '{target.field}' has {target.distinct:,} different texts; up to {_MOST_CLASSES} can be "
            "classes. Ask about another column"
        )
    counts = Counter(reading.columns[target.field])
    ranked = sorted(target.among, key=lambda text: (-counts[text], text))
    is_flag = target.type == "boolean" or (target.is_number and {number(target, text) for text in ranked} == {0.0, 1.0})
    if is_flag:
        ranked = sorted(ranked, key=lambda text: number(target, text))
    return "classify", tuple(ranked)


def _keys(reading: Reading, columns: Sequence[Inferred], times: Sequence[Inferred]) -> tuple[Inferred, ...]:
    """Columns whose every value names one row, those that are called so first. A measured number may be different in
    every row by chance, so it must count them or be called a key."""
    found = []
    for column in columns:
        is_one_each = not column.nullable and column.distinct == reading.rows > 1 and column not in times
        if is_one_each and (column.type == "string" or (column.is_whole and _names_rows(reading, column))):
            found.append(column)
    return tuple(sorted(found, key=lambda column: not NAMES_A_KEY.search(column.name)))


def _names_rows(reading: Reading, column: Inferred) -> bool:
    values = [int(text) for text in reading.columns[column.field]]
    return bool(NAMES_A_KEY.search(column.name)) or max(values) - min(values) == len(values) - 1


def _series(
    reading: Reading, columns: Sequence[Inferred], time: Inferred, target: Inferred
) -> tuple[Inferred | None, timedelta] | None:
    """(entity, step) where the rows are a series, or one of each entity, at even steps."""
    at = instants(time, reading.columns[time.field])
    entities = [
        c
        for c in columns
        if c not in (time, target) and c.type in ("string", "int") and not c.nullable
        if 2 <= c.distinct <= reading.rows / _FEWEST_STEPS
    ]
    for entity in (None, *entities):
        by: Sequence[str] = reading.columns[entity.field] if entity else [""] * reading.rows
        lines: defaultdict[str, set[datetime]] = defaultdict(set)
        for name, instant in zip(by, at, strict=True):
            if instant is not None:
                lines[name].add(instant)
        own = sum(map(len, lines.values()))
        if own < _ALIKE * reading.rows or own < _FEWEST_STEPS * len(lines):
            continue
        gaps = Counter(later - earlier for line in lines.values() for earlier, later in pairwise(sorted(line)))
        step, number = gaps.most_common(1)[0]
        if number >= _EVEN * gaps.total() and step >= timedelta(seconds=1):
            return entity, step
    return None


def _ends(reading: Reading, time: Inferred) -> tuple[datetime, datetime]:
    known = [at for at in instants(time, reading.columns[time.field]) if at]
    return min(known), max(known)


def label_of(shape: Shape, reading: Reading) -> list[float]:
    """The target as a number a row, the place among its values where it is classified; NaN where it is not known."""
    texts = reading.columns[shape.target.field]
    if shape.asked != "classify":
        return numbers(shape.target, texts).tolist()
    places = {text: float(place) for place, text in enumerate(shape.among)}
    return [places.get(text, float("nan")) for text in texts]
