"""What the readiness report says of time: how long, how even, and whether the split has rows everywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise

from pipelines.scaffold.asking import cut_of
from pipelines.scaffold.columns import instants
from pipelines.scaffold.draft import Draft
from pipelines.scaffold.findings import ENOUGH_OF_A_PART, FEWEST_OF_A_PART, Finding, at_least
from pipelines.scaffold.spans import told


def time_findings(draft: Draft) -> Iterator[Finding]:
    """The span of the file, then the steps of a series or the rows in each span of the split."""
    shape = draft.shape
    if shape.time is None or shape.first is None or shape.last is None:
        do = "If they have one, bring it: without it nothing is claimed about a future, and the split is by hash"
        yield Finding("time", "look", "rows have no time", do)
        return
    span = f"{shape.first:%Y-%m-%d %H:%M} to {shape.last:%Y-%m-%d %H:%M}, {told(shape.last - shape.first)}"
    others = [time.name for time in shape.times if time is not shape.time]
    more = f"; times besides: {', '.join(others)}" if others else ""
    yield Finding("time", "ok", f"{draft.event_time.name if draft.event_time else ''}: {span}{more}")
    if shape.step:
        yield _gaps(draft)
    elif found := cut_of(draft):
        counts = _by_span(draft, found.spans)
        shown = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        least = min(counts.values())
        verdict = at_least(least, ENOUGH_OF_A_PART, FEWEST_OF_A_PART)
        do = "" if verdict == "ok" else "Rows lie unevenly in time: move the spans of the split"
        yield Finding("split", verdict, f"rows: {shown}", do)


def _by_span(draft: Draft, spans: Mapping[str, tuple[datetime, datetime]]) -> dict[str, int]:
    assert draft.shape.time is not None
    at = [instant for instant in instants(draft.shape.time, draft.reading.columns[draft.shape.time.field]) if instant]
    return {name: sum(start <= instant < end for instant in at) for name, (start, end) in spans.items()}


def _gaps(draft: Draft) -> Finding:
    shape, columns = draft.shape, draft.reading.columns
    assert shape.time is not None
    at = instants(shape.time, columns[shape.time.field])
    names = columns[shape.entity.field] if shape.entity else [""] * len(at)
    lines: defaultdict[str, set[datetime]] = defaultdict(set)
    for name, instant in zip(names, at, strict=True):
        if instant is not None:
            lines[name].add(instant)
    gaps = [later - earlier for line in lines.values() for earlier, later in pairwise(sorted(line))]
    missing = sum(max(gap // shape.step - 1, 0) for gap in gaps)
    found = f"a value every {told(shape.step)}"
    if not missing:
        return Finding("steps", "ok", f"{found}, none missing")
    share = missing / (missing + len(at))
    longest = told(max(gaps))
    where = f"{found}; {missing:,} missing ({share:.2%}), the longest gap {longest}"
    do = "Ask why; models take them as unknown. One each spring is a local clock going forward"
    return Finding("steps", "look", where, do)
