"""Expectations from what a column holds in the file: its range, widened, or its few values."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from pipelines.scaffold.columns import Inferred, numbers
from pipelines.scaffold.layout import Call, Part, text, texts

_WIDER = 0.5  # of the range, on either side
_FEW = 12
_OF_SQL = frozenset(
    (
        *("all", "and", "anti", "any", "as", "between", "case", "cross", "current_date", "current_timestamp", "date"),
        *("else", "end", "exists", "false", "from", "full", "group", "in", "inner", "interval", "is", "join", "left"),
        *("like", "natural", "not", "null", "on", "or", "order", "outer", "right", "select", "semi", "some", "then"),
        *("time", "timestamp", "to", "true", "union", "user", "using", "when", "where", "with"),
    )
)


def promise(column: Inferred, values: Sequence[str]) -> Call | None:
    """What is expected of the column; None where the file says too little. values: its texts, row by row."""
    if column.type == "string" and 1 < column.distinct <= _FEW:
        among = texts(sorted(column.among))
        parts = (text(f"{column.name}_is_known"), text(sql(column.name)), among, text("quarantine"))
        return Call("accepted", [Part(part) for part in parts])
    if not column.is_number:
        return None
    found = numbers(column, values)
    if column.is_whole and set(column.among) == {"0", "1"}:
        return _quarantine(f"{column.name}_is_a_flag", f"{sql(column.name)} in (0, 1)")
    least, greatest = float(np.nanmin(found)), float(np.nanmax(found))
    low, high = told_range(*widened(least, greatest), least, greatest)
    if float(low) == float(high):
        return None
    return _quarantine(f"{column.name}_is_in_range", f"{sql(column.name)} between {low} and {high}")


def told_range(low: float, high: float, least: float, greatest: float) -> tuple[str, str]:
    """The ends as text, in 12 digits where these still hold all that was seen."""
    short, long = (tuple(f"{end:.{digits}g}" for end in (low, high)) for digits in (12, 17))
    return (
        short[0] if float(short[0]) <= least else long[0],
        short[1] if float(short[1]) >= greatest else long[1],
    )


def widened(least: float, greatest: float) -> tuple[float, float]:
    """The range, half as wide again on either side, in round figures; what never changed its sign need not."""
    span = greatest - least
    grain = 10.0 ** (math.floor(math.log10(span)) - 1) if span else 0.0
    if not grain:  # nothing, or less than a double can be a tenth of
        return least, greatest
    # beside great numbers a small grain is lost, but never what was seen
    low = min(math.floor((least - _WIDER * span) / grain) * grain, least)
    high = max(math.ceil((greatest + _WIDER * span) / grain) * grain, greatest)
    return (max(low, 0.0) if least >= 0.0 else low), (min(high, 0.0) if greatest <= 0.0 else high)


def sql(name: str) -> str:
    """A column's name in SQL."""
    return f"`{name}`" if name in _OF_SQL else name


def _quarantine(name: str, holds: str) -> Call:
    return Call("quarantine", [Part(text(name)), Part(text(holds))])
