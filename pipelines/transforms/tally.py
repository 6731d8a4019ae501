"""What judged rows come to, counted wherever they pass, and added up; Arrow alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

NEWEST = "_newest"
"""The column, if there is one, of which the greatest counts: when a row's event was, in microseconds since 1970."""
Line = dict[str, Any]
"""What the rows of one file with one outcome come to: `_file`, `outcome`, `records` and what else is counted."""
_GROUP = ("_file", "outcome")


@dataclass(frozen=True)
class Tallied:
    """lines: for each file and outcome `records`, how many of them have each flag, and the greatest `NEWEST`, None if
    there is none. causes: records by why they were set apart; a record may have several.
    """

    lines: list[Line] = field(default_factory=list)
    causes: Counter[str] = field(default_factory=Counter)


def tally(rows: pa.RecordBatch, flags: Sequence[str]) -> dict[str, Any]:
    """The Tallied of those rows that have an outcome, as it goes through JSON.

    flags: names of boolean columns. `_reasons` is among the columns, too: why a row is set apart.
    """
    numbers = [NEWEST] if NEWEST in rows.schema.names else []
    none_is_zero = pc.ScalarAggregateOptions(min_count=0)
    counted = [*[(name, "sum", none_is_zero) for name in flags], *[(name, "max") for name in numbers]]
    records = pa.Table.from_batches([rows.select([*_GROUP, *flags, *numbers])]).filter(pc.field("outcome").is_valid())
    grouped = records.group_by(_GROUP, use_threads=False)
    found = grouped.aggregate([([], "count_all"), *counted])
    told = {"count_all": "records"} | {f"{name}_{how}": name for name, how, *_ in counted}
    is_apart = pc.equal(rows["outcome"], "quarantined")
    causes: Counter[str] = Counter()
    for reason in pc.value_counts(pc.list_flatten(rows["_reasons"].filter(is_apart))).to_pylist():
        causes[cause(reason["values"])] += reason["counts"]
    return {
        "lines": found.rename_columns([told.get(name, name) for name in found.column_names]).to_pylist(),
        "causes": causes,
    }


def cause(reason: str) -> str:
    """A reason without the words that a parser adds."""
    return ": ".join(reason.split(": ")[:2])


def summed(parts: Iterable[dict[str, Any]]) -> Tallied:
    """What `tally` gave of all parts of the rows."""
    lines: dict[tuple[str, str], Line] = {}
    causes: Counter[str] = Counter()
    for part in parts:
        causes.update(part["causes"])
        for line in part["lines"]:
            group = line["_file"], line["outcome"]
            lines[group] = _added(lines[group], line) if group in lines else line
    return Tallied(list(lines.values()), causes)


def _added(one: Line, other: Line) -> Line:
    sums = {name: one[name] + other[name] for name in one if name not in (*_GROUP, NEWEST)}
    seen = [line[NEWEST] for line in (one, other) if line.get(NEWEST) is not None]
    newest = {NEWEST: max(seen, default=None)} if NEWEST in one else {}
    return {name: one[name] for name in _GROUP} | sums | newest
