"""The records of quality as tables in Markdown: one beside them, and one in the project's README."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests import results
from tests.results import Record

_PAGE = """\
# Quality

Our figures beside published ones, on reference data that is not part of the project. Written by `make quality`;
protocols are in `results.json`. A quick round, and one of a single case, renews only the rows that it measures, and
none that rests on more seeds than it takes. A new case is a new file in `cases/`.

"""
_COLUMNS = ("what", "ours", "spread", "reference", "goal", "first_mark", "seeds", "samples", "minutes", "commit")
_COMPARED = ("what", "ours", "published", "goal", "stretch")
_IN_README = (*_COMPARED, "protocol", "seeds", "minutes")
_BEGIN, _END = "<!-- make quality -->", "<!-- end -->"


def renewed(held: Iterable[Record], measured: Iterable[Record]) -> list[Record]:
    """The held records, in their places what was measured now, and behind them what is new; but one that rests on more
    seeds stays."""
    new = {record["what"]: record for record in measured}
    kept = []
    for record in held:
        found = new.pop(record["what"], record)
        kept.append(found if len(found["seeds"]) >= len(record["seeds"]) else record)
    return [*kept, *new.values()]


def write(path: Path, readme: Path, records: Sequence[Record]) -> None:
    """The records, the page beside them, and the table between the README's marks."""
    results.write(path, records, results.QUALITY)
    path.with_name("README.md").write_text(page(records))
    readme.write_text(in_readme(readme.read_text(), records))


def page(records: Iterable[Record]) -> str:
    """Every record with all that is short of it."""
    rows = [record | {"seeds": len(record["seeds"])} for record in records]
    return _PAGE + results.table(_COLUMNS, [[row[column] for column in _COLUMNS] for row in rows])


def in_readme(text: str, records: Iterable[Record]) -> str:
    """The README's text with these records between its marks."""
    block = f"{_BEGIN}\n{summary(records)}{_END}"
    return re.sub(f"{_BEGIN}\n.*?{_END}", lambda _: block, text, flags=re.DOTALL)


def summary(records: Iterable[Record]) -> str:
    """The figures that were to reach a goal, and in numbered lists how each was measured and what is to be said."""
    wanted = [record for record in records if record["first_mark"] is not None]
    protocols = list(dict.fromkeys(record["protocol"] for record in wanted))
    rows = [
        (*_compared(record), protocols.index(record["protocol"]) + 1, len(record["seeds"]), record["minutes"])
        for record in wanted
    ]
    told = [f"{number}. {protocol}." for number, protocol in enumerate(protocols, start=1)]
    notes = list(dict.fromkeys(record["note"] for record in wanted if record["note"]))
    parts = [results.table(_IN_README, rows), "Protocols:\n", *told]
    return "\n".join([*parts, *(["\nNotes:\n", *[f"- {note}." for note in notes]] if notes else [])]) + "\n"


def short(records: Iterable[Record]) -> str:
    """What was measured now, for the one who waited for it."""
    rows = [(*_compared(record), record["minutes"]) for record in records]
    return results.table((*_COMPARED, "minutes"), rows)


def _compared(record: Record) -> tuple[object, ...]:
    has_goal, stretches = record["first_mark"] is not None, record["goal"] != record["first_mark"]
    return (
        record["what"],
        _with_spread(record) if has_goal else record["ours"],
        record["reference"],
        _bound(record, "first_mark") if has_goal else None,
        _bound(record, "goal") if has_goal and stretches else None,
    )


def is_reached(record: Record) -> bool:
    """Whether the goal is, by the figure as it is shown."""
    ours, goal = (float(f"{record[name]:.4g}") for name in ("ours", "first_mark"))
    return ours >= goal if record["more_is_better"] else ours <= goal


def _with_spread(record: Record) -> str:
    shown = f"{record['ours']:.4g}"
    if not is_reached(record):
        shown = f"{shown} (missed)"
    return shown if record["spread"] is None else f"{shown} ± {record['spread'] / 2:.1g}"


def _bound(record: Record, name: str) -> str:
    return f"{'≥' if record['more_is_better'] else '≤'} {record[name]:.4g}"
