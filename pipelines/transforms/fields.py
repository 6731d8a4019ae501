"""The fields of raw records: a map, or a text with delimiters between; `_header` says in which order they come."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.records import BETWEEN_FIELDS, header_names

Headers = Sequence[str | None]
VALUES, LAYOUT = "_values", "_layout"
_ALPHANUMERIC = "[0-9A-Za-z]"


def unpacked(records: DataFrame) -> DataFrame:
    """Records with all their fields in `_fields`, whichever way they came, and without `_header` and `_plain`.

    records: `_raw`, `_fields`; `_header` where a record may have one, `_plain` where its raw text may have quotes.
    """
    if "_header" not in records.columns:
        return records
    delimiter, listed = "substring(_header, 1, 1)", ("substring(_header, 2)", _plain(records))
    names, values = (f"split({text}, {_pattern(delimiter)}, -1)" for text in listed)
    fields = F.expr(f"coalesce(_fields, map_from_arrays({names}, {values}))")
    return records.withColumn("_fields", fields).drop("_header", "_plain")


def split_by(records: DataFrame, headers: Headers) -> DataFrame:
    """Records with their `_values`, the texts in the order of their header, and `_layout`, which of the headers that
    is; both null where there is none. Without any header, the records are unpacked, which takes longer.

    headers: every `_header` of a record that has fields, with None among them if such a record has none.
    """
    named = _named(headers)
    if not named:
        return unpacked(records)
    lost = "raise_error(concat('a record of another header than those at hand: ', coalesce(_header, 'none')))"
    numbers = " ".join(f"when _header = {quoted(header)} then {number}" for number, header in enumerate(named))
    unnamed = "null" if None in headers else f"if(size(_fields) > 0, cast({lost} as int), null)"
    layout = f"case when _header is null then {unnamed} {numbers} else cast({lost} as int) end"
    cases = []
    for delimiter in sorted({header[0] for header in named}):
        # a pattern that is a letter, or an escaped other character, is split without a regular expression
        pattern = delimiter if delimiter.isascii() and delimiter.isalnum() else f"\\{delimiter}"
        of_it = ", ".join(quoted(header) for header in named if header[0] == delimiter)
        text = _plain(records) if delimiter == BETWEEN_FIELDS else "_raw"
        cases.append(f"when _header in ({of_it}) then split({text}, {quoted(pattern)}, -1)")
    values = (
        "case when _header is null then null when _fields is not null then map_values(_fields) "
        f"{' '.join(cases)} else cast({lost} as array<string>) end"
    )
    # a number is compared in no time, the names in a header are not, and every field asks for it
    return records.withColumns({LAYOUT: F.expr(layout), VALUES: F.expr(values)})


def text(field: str, headers: Headers) -> str:
    """SQL for the text of a field, null where it is not there. headers: those that `split_by` was given."""
    kept = f"_fields[{quoted(field)}]"
    if not _named(headers):
        return kept
    places: dict[int, list[int]] = {}
    for number, header in enumerate(_named(headers)):
        names = header_names(header)
        if field in names:
            places.setdefault(names.index(field), []).append(number)
    if None not in headers and [len(alike) for alike in places.values()] == [len(headers)]:
        # code for nothing else makes Java compile a batch in a tenth less time
        return f"{VALUES}[{next(iter(places))}]"
    cases = [f"when {_is_in(alike)} then {VALUES}[{place}]" for place, alike in places.items()]
    return f"case when {LAYOUT} is null then {kept} {' '.join(cases)} end"


def has(field: str, headers: Headers) -> str:
    """SQL for whether a record names a field, of those that name any; "true" if it is known that all do."""
    kept = f"map_contains_key(_fields, {quoted(field)})"
    if not _named(headers):
        return kept
    naming = [number for number, header in enumerate(_named(headers)) if field in header_names(header)]
    if None not in headers:
        return "true" if len(naming) == len(headers) else _is_in(naming) if naming else "false"
    return f"if({LAYOUT} is null, {kept}, {_is_in(naming) if naming else 'false'})"


def all_fields(headers: Headers) -> str:
    """SQL for the fields of a record as a map."""
    cases = [
        f"when {number} then map_from_arrays(array({', '.join(map(quoted, header_names(header)))}), {VALUES})"
        for number, header in enumerate(_named(headers))
    ]
    return f"coalesce(_fields, case {LAYOUT} {' '.join(cases)} end)" if cases else "_fields"


def _plain(records: DataFrame) -> str:
    """SQL for the text that is nothing but fields and delimiters."""
    return "coalesce(_plain, _raw)" if "_plain" in records.columns else "_raw"


def _named(headers: Headers) -> list[str]:
    return [header for header in headers if header is not None]


def _is_in(numbers: Sequence[int]) -> str:
    return f"{LAYOUT} in ({', '.join(map(str, numbers))})"


def quoted(value: str) -> str:
    """A SQL literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _pattern(delimiter: str) -> str:
    return f"if({delimiter} rlike '{_ALPHANUMERIC}', {delimiter}, concat('\\\\', {delimiter}))"
