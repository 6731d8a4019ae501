"""Whether a first domain is worth the work: what the file has enough of, what is odd, what can be learnt from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipelines.scaffold.draft import Draft
from pipelines.scaffold.findings import ENOUGH_OF_A_PART, FEWEST_OF_A_PART, Finding, at_least
from pipelines.scaffold.shape import NAMES_A_KEY
from pipelines.scaffold.skill import Skill
from pipelines.scaffold.times import time_findings

_ENOUGH_ROWS, _FEWEST_ROWS = 1_000, 200
_ENOUGH_ROUNDS, _FEWEST_ROUNDS = 300, 60
_MUCH, _MOST = 0.05, 0.5
_NEARLY = 0.9
_TOO_GOOD, _WORTH_IT = 0.98, 0.02


def findings(draft: Draft, skill: Skill | None) -> list[Finding]:
    """Everything that was looked at, in the order of the way: records, columns, key, time, answer, skill."""
    return [
        *_rows(draft),
        _records(draft),
        _nulls(draft),
        *_constant(draft),
        _key(draft),
        *time_findings(draft),
        *_leaks(draft),
        _skill(draft, skill),
    ]


def _rows(draft: Draft) -> Iterator[Finding]:
    rows = draft.reading.rows
    if draft.horizon:
        rounds = max(draft.horizon.cut_offs(draft.shape), 0)
        told_rounds = f"{rows:,}, in which the question can be asked {rounds:,} times"
        verdict = at_least(rounds, _ENOUGH_ROUNDS, _FEWEST_ROUNDS)
        yield Finding("rows", verdict, told_rounds, "" if verdict == "ok" else "Bring more history, or ask less ahead")
        return
    verdict = at_least(rows, _ENOUGH_ROWS, _FEWEST_ROWS)
    yield Finding(
        "rows", verdict, f"{rows:,}", "" if verdict == "ok" else "Bring more rows; what few teach may be luck"
    )
    if draft.shape.among:
        counts = draft.frequencies()
        rarest = min(counts[value] for value in draft.shape.among)
        shown = ", ".join(f"{counts[value]:,} are {value}" for value in draft.shape.among)
        verdict = at_least(rarest, ENOUGH_OF_A_PART, FEWEST_OF_A_PART)
        do = "" if verdict == "ok" else "Bring more of the rarest, or join classes"
        yield Finding("answers", verdict, f"of {draft.shape.target.name}: {shown}", do)


def _records(draft: Draft) -> Finding:
    broken = draft.reading.broken
    number = broken.total()
    if not number:
        return Finding("records", "ok", "all can be read")
    share = number / (number + draft.reading.rows)
    why = "; ".join(f"{reason} ({count:,})" for reason, count in broken.most_common(3))
    do = "They will be set apart with this reason; mend the file where they matter"
    return Finding("records", "stop" if share > _MOST else "look", f"{number:,} cannot be read: {why}", do)


def _nulls(draft: Draft) -> Finding:
    target = draft.shape.target
    columns = sorted((column for column in draft.columns if column.missing > 0.0), key=lambda column: -column.missing)
    shown = ", ".join(f"{column.name} {column.missing:.1%}" for column in columns) or "none"
    if target.missing > _MOST:
        return Finding("missing", "stop", shown, f"Most rows have no {target.name}: bring those that do")
    if any(column.missing > _MUCH for column in columns):
        return Finding("missing", "look", shown, "Ask why they are missing; models take them as unknown")
    return Finding("missing", "ok", shown)


def _constant(draft: Draft) -> Iterator[Finding]:
    same = [role.column.name for role in draft.left_out() if role.column.distinct <= 1]
    nameless = [field for field in draft.reading.columns if not field]
    if same:
        yield Finding("constant", "look", f"{', '.join(same)}: no value, or one alone", "Left out of the features")
    if nameless:
        yield Finding(
            "nameless", "look", "a column has no name", "Left out; name it in the file's header if it matters"
        )


def _key(draft: Draft) -> Finding:
    shape, columns = draft.shape, draft.reading.columns
    rows = Counter(zip(*columns.values(), strict=True))
    alike = draft.reading.rows - len(rows)
    if draft.is_numbered:
        told_alike = f", and {alike:,} rows are word for word as another" if alike else ""
        nearly = "".join(f"; {name} has {number:,} rows whose name another one has" for name, number in _nearly(draft))
        do = f"Name the column that names a row, as {draft.entity.name} in domain.py, and let parse.py go"
        return Finding("key", "look", f"no column names a row{told_alike}{nearly}: parse.py numbers them", do)
    if shape.key:
        also = "".join(f"; so does {key.name}" for key in shape.keys)
        return Finding("key", "ok", f"{shape.key.name} names each row{also}")
    assert shape.time is not None
    parts = [columns[column.field] for column in (shape.entity, shape.time) if column]
    doubled = draft.reading.rows - len(set(zip(*parts, strict=True)))
    of_each = f"{shape.entity.name} and {shape.time.name}" if shape.entity else shape.time.name
    if doubled:
        do = "One row of each instant is kept, the one with the greatest values; say in parse.py which is right"
        return Finding("key", "look", f"{doubled:,} rows have the {of_each} of another one", do)
    return Finding("key", "ok", f"{of_each} name each row")


def _nearly(draft: Draft) -> Iterator[tuple[str, int]]:
    """Columns that are called a key and would be one, but for a few rows that share theirs; with how many do."""
    rows = draft.reading.rows
    for column in draft.columns:
        can_be = NAMES_A_KEY.search(column.name) and (column.is_whole or column.type == "string")
        if can_be and _NEARLY * rows <= column.distinct < rows:
            yield column.name, rows - column.distinct


def _leaks(draft: Draft) -> Iterator[Finding]:
    if not draft.leaks:
        yield Finding("leaks", "ok", "no column tells the answer by itself")
    for number, (name, why) in enumerate(draft.leaks.items(), start=1):
        do = "Left out of the features: put in what is known before the answer" if number == len(draft.leaks) else ""
        yield Finding(f"leak: {name}", "look", why, do)


def _skill(draft: Draft, skill: Skill | None) -> Finding:
    if skill is None:
        return Finding("skill", "stop", "too little to try a model on", "Bring more rows with an answer")
    figures = f"{skill.loss} {skill.model:.4g}, naive {skill.naive:.4g}: {skill.gain:+.1%} on {skill.rows:,} rows"
    found = f"a quick model has {figures} ({skill.held_back})"
    if skill.gain < _WORTH_IT:
        again = ", or put back what was left out" if draft.leaks else ""
        do = f"The columns tell hardly anything of the answer: bring others, or ask something else{again}"
        return Finding("skill", "look" if skill.gain > 0 else "stop", found, do)
    if skill.gain > _TOO_GOOD:
        return Finding(
            "skill", "look", found, "Too good to be true: look for columns that are written after the answer"
        )
    return Finding("skill", "ok", found)
