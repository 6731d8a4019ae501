"""The fields of raw records: kept as a map, or in the raw text itself with the header that says where."""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.records import header_names

VALUES, LAYOUT = "_values", "_layout"
_ALPHANUMERIC = "[0-9A-Za-z]"


def unpacked(records: DataFrame) -> DataFrame:
    """Records with all their fields in `_fields`, whichever way they came, and without `_header`.

    records: `_raw`, `_fields`, and `_header` where any is packed.
    """
    if "_header" not in records.columns:
        return records
    delimiter = "substring(_header, 1, 1)"
    names, values = (f"split({text}, {_pattern(delimiter)}, -1)" for text in ("substring(_header, 2)", "_raw"))
    fields = f"case when _header is null then _fields else map_from_arrays({names}, {values}) end"
    return records.withColumn("_fields", F.expr(fields)).drop("_header")


def split_by(records: DataFrame, headers: Sequence[str]) -> DataFrame:
    """Records with their `_values`, the texts in the order of their header, and `_layout`, which of the headers that
    is; both null where `_fields` has them.

    headers: all that the records have. Without any, the records are unpacked, which takes longer.
    """
    if not headers:
        return unpacked(records)
    lost = "raise_error(concat('a record of another header than those at hand: ', _header))"
    numbers = " ".join(f"when _header = {quoted(header)} then {number}" for number, header in enumerate(headers))
    layout = f"case when _header is null then null {numbers} else cast({lost} as int) end"
    cases = []
    for delimiter in sorted({header[0] for header in headers}):
        # a pattern that is a letter, or an escaped other character, is split without a regular expression
        pattern = delimiter if delimiter.isascii() and delimiter.isalnum() else f"\\{delimiter}"
        named = ", ".join(quoted(header) for header in headers if header[0] == delimiter)
        cases.append(f"when _header in ({named}) then split(_raw, {quoted(pattern)}, -1)")
    values = f"case when _header is null then null {' '.join(cases)} else cast({lost} as array<string>) end"
    # a number is compared in no time, the names in a header are not, and every field asks for it
    return records.withColumns({LAYOUT: F.expr(layout), VALUES: F.expr(values)}).drop("_header")


def text(field: str, headers: Sequence[str]) -> str:
    """SQL for the text of a field, null where it is not there. headers: those that `split_by` was given."""
    kept = f"_fields[{quoted(field)}]"
    if not headers:
        return kept
    places: dict[int, list[int]] = {}
    for number, header in enumerate(headers):
        names = header_names(header)
        if field in names:
            places.setdefault(names.index(field), []).append(number)
    cases = [f"when {_is_in(alike)} then {VALUES}[{place}]" for place, alike in places.items()]
    return f"case when {LAYOUT} is null then {kept} {' '.join(cases)} end"


def has(field: str, headers: Sequence[str]) -> str:
    """SQL for whether a record names a field."""
    kept = f"map_contains_key(_fields, {quoted(field)})"
    if not headers:
        return kept
    naming = [number for number, header in enumerate(headers) if field in header_names(header)]
    return f"if({LAYOUT} is null, {kept}, {_is_in(naming) if naming else 'false'})"


def all_fields(headers: Sequence[str]) -> str:
    """SQL for the fields of a record as a map."""
    cases = [
        f"when {number} then map_from_arrays(array({', '.join(map(quoted, header_names(header)))}), {VALUES})"
        for number, header in enumerate(headers)
    ]
    return f"case {LAYOUT} {' '.join(cases)} else _fields end" if cases else "_fields"


def _is_in(numbers: Sequence[int]) -> str:
    return f"{LAYOUT} in ({', '.join(map(str, numbers))})"


def quoted(value: str) -> str:
    """A SQL literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _pattern(delimiter: str) -> str:
    return f"if({delimiter} rlike '{_ALPHANUMERIC}', {delimiter}, concat('\\\\', {delimiter}))"
