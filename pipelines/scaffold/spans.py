"""Spans of time: how a declaration writes them, how a person is told them, how one is cut into the four of a split."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_ENDS = {"train": 0.6, "validate": 0.7, "calibrate": 0.8, "test": 1.0}
_UNITS = (("days", DAY), ("hours", HOUR), ("minutes", timedelta(minutes=1)), ("seconds", timedelta(seconds=1)))


@dataclass(frozen=True)
class Cut:
    """The spans of a split by time, each with its first and its last instant (excluded), and the gap between them."""

    spans: dict[str, tuple[datetime, datetime]]
    gap: timedelta


def cut(first: datetime, end: datetime, gap: timedelta) -> Cut | None:
    """train, validate, calibrate and test with six, one, one and two tenths of the time, `gap` between them; whole days
    where there are enough of them. None where there is no room."""
    length = end - first
    grain = DAY if length >= 60 * DAY else HOUR if length >= 60 * HOUR else timedelta(seconds=1)
    spans, start = {}, _up(first, grain)
    for name, part in _ENDS.items():
        stop = _up(first + part * length, grain)
        if stop <= start:
            return None
        spans[name] = (start, stop)
        start = _up(stop + gap, grain)
    return Cut(spans, gap)


def _up(at: datetime, grain: timedelta) -> datetime:
    """The first multiple of the grain from midnight on that is not before the instant."""
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + -(-(at - midnight) // grain) * grain


def instant_code(at: datetime) -> str:
    """`utc("2014-01-15")`, with hours and minutes where it needs them."""
    form = "%Y-%m-%d" if at == _up(at, DAY) else "%Y-%m-%d %H:%M" if not at.second else "%Y-%m-%d %H:%M:%S"
    return f'utc("{at.strftime(form)}")'


def duration_code(span: timedelta) -> str:
    """`timedelta(hours=24, minutes=30)`: the fewest words."""
    if not span:
        return "timedelta(0)"
    words = []
    for unit, size in _UNITS:
        number, span = divmod(span, size)
        words += [f"{unit}={number}"] if number else []
    words += [f"microseconds={span.microseconds}"] if span else []
    return f"timedelta({', '.join(words)})"


def interval(span: timedelta) -> str:
    """The same as SQL: `interval 30 minutes`; in whole seconds where it is no whole number of anything greater."""
    for unit, size in _UNITS:
        if span % size == timedelta(0):
            number = span // size
            return f"interval {number} {unit if number > 1 else unit.removesuffix('s')}"
    return f"interval {int(span.total_seconds())} seconds"


def hours(span: timedelta) -> float:
    return span / HOUR


def told(span: timedelta) -> str:
    """For people: "15 min", "16.6 years"."""
    for unit, size in (("years", 365.25 * DAY), ("days", DAY), ("h", HOUR), ("min", timedelta(minutes=1))):
        if span >= (2 * size if unit in ("years", "days") else size):
            return f"{span / size:.3g} {unit}"
    return f"{span.total_seconds():g} s"
