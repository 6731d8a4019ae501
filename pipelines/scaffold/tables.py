"""The tables of a written domain: what is asked about and its outcome, or the readings of a series."""

from __future__ import annotations

from pipelines.scaffold.columns import Inferred
from pipelines.scaffold.draft import ROW_NUMBER, Draft
from pipelines.scaffold.layout import Call, Part, text
from pipelines.scaffold.patterns import Pattern
from pipelines.scaffold.promises import promise, sql
from pipelines.scaffold.reading import SOURCE
from pipelines.scaffold.spans import interval

ROWS, OUTCOMES, READINGS = "rows", "outcomes", "readings"
_RANGES = "ranges are the file's, half as wide again on either side; what is possible at all?"
_KNOWN_AT_ONCE = "from when on is the answer known? Here at once"


def tables(draft: Draft) -> dict[str, Call]:
    """The tables by name. What tells the answer by itself stands beside it, where no feature is made of it."""
    leaked = [column for column in draft.columns if column.name in draft.leaks]
    target, time = draft.shape.target, draft.event_time
    special = (target, draft.shape.time, draft.shape.entity, draft.shape.key, *leaked)
    others = [column for column in draft.columns if column not in special and column.distinct]
    if draft.shape.kind == "series":
        assert time is not None
        known = f"{sql(time.name)} + {interval(draft.shape.step)}"
        told = f"A value every {interval(draft.shape.step).removeprefix('interval ').removeprefix('1 ')}."
        confirm = "a value is known one step after its instant; when is it in truth?"
        return {READINGS: _table(draft, READINGS, [target, *others, *leaked], known, confirm, told)}
    known = sql(time.name) if time else ""
    return {
        ROWS: _table(draft, ROWS, others, known, "known as it happens; or when?", "What is asked about."),
        OUTCOMES: _table(draft, OUTCOMES, [target, *leaked], known, _KNOWN_AT_ONCE, "What came of it."),
    }


def _table(draft: Draft, name: str, columns: list[Inferred], known: str, confirm: str, doc: str) -> Call:
    time, entity = draft.event_time, draft.entity
    key = [entity.name, *([time.name] if time and draft.shape.kind == "series" else [])]
    parts = [
        Part(text(name)),
        Part(text(SOURCE), "source"),
        Part(Call("", [Part(text(part)) for part in key]), "key"),
    ]
    if time:
        parts += [
            Part(text(time.name), "event_time"),
            Part(text(known), "available_at", confirm=confirm),
        ]
    declared = [_entity(draft), *([Part(_column(time), confirm=_clock(time))] if time else [])]
    if name == OUTCOMES:  # what is uncertain of them is told where they stand first
        declared = [Part(part.value) for part in declared]
    declared += [_part(draft, column) for column in columns]
    parts.append(Part(Call("", declared), "columns"))
    promises = [found for column in columns if (found := _promise(draft, column))]
    if promises:
        parts.append(Part(Call("", [Part(found) for found in promises]), "expect", confirm=_RANGES))
    return Call("Table", [*parts, Part(text(doc), "doc")])


def _entity(draft: Draft) -> Part:
    """The column that names the thing, and what of it the file alone cannot say."""
    entity, shape = draft.entity, draft.shape
    if draft.is_numbered:
        number = Call("Column", [Part(text(entity.name)), Part(text("string")), Part(text(ROW_NUMBER), "field")])
        told = "no column names a row, so parse.py numbers them: a second file would replace the first one's rows"
        return Part(number, confirm=told)
    if shape.kind == "series" and shape.entity is None:
        one = [*_named(entity), Part(text(f"'{draft.name}'"), "convert"), Part(text("one series alone"), "doc")]
        return Part(Call("Column", one))
    also = [key.name for key in shape.keys]
    if shape.key and also:
        told = f"it names each row, as {' and '.join(also)} would: which is the thing's name for good?"
    elif shape.key:
        told = "it names each row of this file: is it the thing's name for good?"
    else:
        told = "is there a series of each of these?"
    return Part(Call("Column", _named(entity)), confirm=told)


def _named(entity: Inferred) -> list[Part]:
    parts = [Part(text(entity.name)), Part(text("string"))]
    return parts + ([Part(text(entity.field), "field")] if entity.field != entity.name else [])


def _clock(time: Inferred) -> str:
    """What is uncertain of the instants' text."""
    day_first = "day and month could be the other way round; " if time.is_ambiguous else ""
    read = "no offset is told, so it is read as UTC: by which clock was it? parse.py can add it"
    clock = "" if Pattern(time.pattern).has_offset else read
    return f"{day_first}{clock}".removesuffix("; ")


def _part(draft: Draft, column: Inferred) -> Part:
    if column is draft.shape.target:
        return _target(draft)
    told = "numbers have a decimal comma, which parse.py turns into a point" if column.comma else ""
    return Part(_column(column), confirm=told or (_clock(column) if column.is_ambiguous else ""))


def _target(draft: Draft) -> Part:
    target = draft.shape.target
    chosen = "" if draft.target_was_named else "no --target was given: is this what you want to know?"
    if draft.shape.asked != "classify":
        return Part(_column(target), confirm=chosen)
    if draft.is_binary and draft.is_label_as_it_is:
        return Part(_column(target), confirm=chosen)
    as_parsed = {value.replace(",", ".") if target.comma else value: name for value, name in draft.classes.items()}
    cases = " ".join(f"when {_quoted(value)} then '{name}'" for value, name in as_parsed.items())
    convert = [] if draft.is_label_as_it_is else [Part(text(f"case value {cases} end"), "convert")]
    told = f"'{draft.shape.among[-1]}' is the 1, as it is the rarer" if draft.is_binary else ""
    column = _column(target, type_="string", besides=convert)
    return Part(column, confirm="; ".join(filter(None, (chosen, told))))


def _column(column: Inferred, type_: str = "", besides: list[Part] | None = None) -> Call:
    parts = [Part(text(column.name)), Part(text(type_ or column.type))]
    parts += [Part(text(column.field), "field")] if column.field != column.name else []
    parts += besides or []
    parts += [Part(text(column.pattern), "pattern")] if column.pattern else []
    parts += [Part(text(column.unit), "unit")] if column.unit and not besides else []
    parts += [Part("True", "nullable")] if column.nullable else []
    nulls = null_text(column)
    return Call("Column", [*parts, *([Part(text(nulls), "null_text")] if nulls else [])])


def null_text(column: Inferred) -> str:
    """The texts that stand for no value, as a regular expression of Python's and Java's alike."""
    return "|".join(_escaped(value) for value in column.nulls)


def _promise(draft: Draft, column: Inferred) -> Call | None:
    if column is draft.shape.target and draft.classes and not (draft.is_binary and draft.is_label_as_it_is):
        among = [Part(text(name)) for name in draft.classes.values()]
        parts = (text(f"{column.name}_is_known"), text(sql(column.name)), Call("", among), text("quarantine"))
        return Call("accepted", [Part(part) for part in parts])
    return promise(column, draft.reading.columns[column.field])


def _quoted(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _escaped(value: str) -> str:
    return "".join(f"[{letter}]" if letter in "?.*+()|$" else letter for letter in value)
