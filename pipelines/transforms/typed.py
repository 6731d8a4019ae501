"""Raw fields to typed columns: what could not be read, or not without loss, is named and never guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyspark.sql import Column as Expression
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.tables import Column, Table
from pipelines.transforms import fields
from pipelines.transforms.fields import quoted
from pipelines.transforms.instants import instant
from pipelines.transforms.reasons import verdict

ISO_WITH_OFFSET = "yyyy-MM-dd'T'HH:mm[:ss][.SSSSSS]XXX"
RECORD = ("_record_id", "_ordinal", "_file", "_position", "_raw", "_delivered_at")
_DECIMAL = re.compile(r"decimal\((\d+),\s*(\d+)\)")
_PADDING = r"[\x00-\x20]*"  # a cast leaves out control characters at both ends
_WITH_A_POINT = rf"^{_PADDING}([+-]?[0-9]+)\.0*{_PADDING}$"
_NOT_ZERO = "^[^eE]*[1-9]"
_WHOLE = ("tinyint", "smallint", "int", "integer", "bigint", "long")
_EXACT_DIGITS = {"double": (15, "1.7976931348623157e308D"), "float": (6, "3.4028235e38D")}
"""So many decimal digits of a whole number each type holds for certain (more are looked at one by one), and the
greatest number that it has."""
_FIRST_AND_LAST = {
    "timestamp": ("timestamp_micros(-62135596800000000)", "timestamp_micros(253402300799999999)"),
    "date": ("date '0001-01-01'", "date '9999-12-31'"),
}
"""Of the years 1 to 9999. An instant is compared with these as a number; to ask for its year takes a calendar."""


def typed(
    records: DataFrame,
    table: Table,
    *,
    has_header: bool,
    headers: fields.Headers = (),
    broken: Sequence[Expression] = (),
) -> DataFrame:
    """Cast the raw fields to the declared columns, and list in `_reasons` what could not be read. `_is_good` is whether
    there are none; a good row is without its `_raw`.

    records: bronze rows with `_problem` and `_fields`, `_ordinal` too where a parser made several rows of a record.
    has_header: each delivery names all its fields, so a field that a record lacks was dropped from the whole delivery.
    headers: as `fields.split_by` has it; unless it is said, the records are unpacked one by one.
    broken: reasons besides, of the declared columns and `available_at`, null where they do not apply; they count for
    rows that could be read and withdraw nothing.
    A record that withdraws its key (or a version of it) needs only that and the order.
    """
    records, raw_fields = fields.split_by(records, headers), fields.all_fields(headers)
    is_tombstone = f"transform(array({raw_fields}), raw -> {table.tombstone})[0]" if table.tombstone else "false"
    # a step makes a copy of every row where there are many columns, so there are three: texts, values, verdict
    texts = {text: f"_text {i}" for i, text in enumerate(dict.fromkeys(_text_of(column) for column in table.columns))}
    found = records.select(
        *[name for name in (*RECORD, "_problem", "_fields") if name != "_ordinal"],
        *[name for name in (fields.LAYOUT, fields.VALUES) if name in records.columns],
        # numbers the rows of one record, where a domain's parser makes several
        (F.col("_ordinal") if "_ordinal" in records.columns else F.lit(0)).alias("_ordinal"),
        *[F.expr(f"trim({_found(names, headers)})").alias(text) for (names, _), text in texts.items()],
    )
    nothing = {text: F.expr(_said(text, null_text)) for (_, null_text), text in texts.items() if null_text}
    said = found.withColumns(nothing) if nothing else found
    # alike for all columns at once, so that no column's own name can shadow a raw field's
    rows = said.select(
        *said.columns,
        F.coalesce(F.expr(is_tombstone), F.lit(False)).alias("_delete"),
        *[F.expr(_value(column, texts[_text_of(column)])).alias(column.name) for column in table.columns],
    )
    misread = [
        _misreading(
            column,
            texts[_text_of(column)],
            is_needed=column.name in (*table.version_key, *table.order),
            has_header=has_header,
            headers=headers,
        )
        for column in table.columns
    ]
    available_at = F.expr(table.available_at) if table.available_at else F.col("_delivered_at")
    rows = rows.withColumn("available_at", available_at)
    # all at once: Spark does not compile a filter, so each step with one would copy every row of the batch
    is_good, reasons = verdict(
        F.col("_problem"), [F.expr(reason) for reason in misread if reason], broken, withdraws=F.col("_delete")
    )
    told = {"_raw", "_problem", "_fields", fields.LAYOUT, fields.VALUES, *texts.values()}
    kept = [name for name in rows.columns if name not in told]
    # the raw text is wanted of rows that are set apart alone; all others shall not carry it through the shuffle
    raw = F.when(~is_good, F.col("_raw")).alias("_raw")
    return rows.select(*kept, raw, is_good.alias("_is_good"), reasons.alias("_reasons"))


def _text_of(column: Column) -> tuple[tuple[str, ...], str]:
    """What a column's text depends on: the fields that may have it, and what stands for no value there."""
    return column.fields, column.null_text


def _found(names: Sequence[str], headers: fields.Headers) -> str:
    """SQL for the text of the first of these fields that a record has."""
    found = fields.text(names[-1], headers)
    for field in reversed(names[:-1]):
        found = f"if({fields.has(field, headers)}, {fields.text(field, headers)}, {found})"
    return found


def _said(text: str, null_text: str) -> str:
    """SQL for a text, null where it stands for no value."""
    pattern = quoted(rf"\A(?:{null_text})\z")
    return f"if(`{text}` rlike {pattern}, null, `{text}`)"


def _read(column: Column, text: str) -> str:
    """SQL that reads the column's type from its text, null where it cannot or where there is none."""
    if column.type == "timestamp" or column.pattern:
        return f"cast({instant(f'`{text}`', column.patterns or (ISO_WITH_OFFSET,))} as {column.type})"
    return _number(column, text)


def _in_range(column: Column, text: str) -> str:
    """SQL for what a text says, but for years that Spark knows and Python and most readers of its files do not."""
    read = _read(column, text)
    if column.type not in _FIRST_AND_LAST:
        return read
    first, last = _FIRST_AND_LAST[column.type]
    # as both comparisons are made for every row, Spark reads the text once for them all
    return f"if({read} >= {first} and {read} <= {last}, {read}, null)"


def _number(column: Column, text: str) -> str:
    """SQL for what a cast reads; a whole number may be written with a point, as it is where its source knows no other.

    That is how an int that became a double is delivered, and it is looked at only where the cast alone fails.
    """
    value = f"try_cast(`{text}` as {column.type})"
    if column.type in _EXACT_DIGITS:  # Java also reads its own literals, and 12d may well be somebody's key
        return f"if(`{text}` rlike '[0-9.][dDfFxX]', null, {value})"
    if _DECIMAL.fullmatch(column.type):  # digits of other scripts, which no other type reads and no rule here counts
        return f"if(octet_length(`{text}`) = length(`{text}`), {value}, null)"
    if column.type in _WHOLE:
        whole = f"regexp_extract(`{text}`, {quoted(_WITH_A_POINT)}, 1)"
        return f"coalesce({value}, try_cast({whole} as {column.type}))"
    return f"if(`{text}` = '', null, {value})"


def _value(column: Column, text: str) -> str:
    """SQL for the column's value: what was read, converted where that is declared."""
    value = _in_range(column, text)
    return f"transform(array({value}), value -> {column.convert})[0]" if column.convert else value


def _misreading(column: Column, text: str, *, is_needed: bool, has_header: bool, headers: fields.Headers) -> str:
    """SQL for the reason why a column could not be read, null if it could; "" for one that always can."""
    value, field = f"`{column.name}`", column.field
    cases = []
    # what a conversion makes null on purpose was read all the same, if null is allowed
    unread = f"{_in_range(column, text)} is null" if column.convert and column.nullable else "true"
    if column.type != "string" or column.convert:  # all other text is its own value
        cases.append((f"{value} is null and `{text}` <> '' and {unread}", "unreadable"))
    is_there = [fields.has(name, headers) for name in column.fields]
    if (has_header or not column.nullable) and not column.optional and "true" not in is_there:
        is_missing = f"not ({' or '.join(is_there)})"
        # without a conversion, what is missing is null; with one, it may have become a value
        missing = is_missing if column.convert else f"{value} is null and {is_missing}"
        cases.append((missing, "field missing"))
    if not column.nullable:
        cases.append((f"{value} is null", "empty"))
    cases += _losses(column, text)
    if not cases:
        return ""
    applies = "" if is_needed else "when _delete then null "
    named = " ".join(f"when {condition} then {quoted(f'{reason}: {field}')}" for condition, reason in cases)
    return f"case {applies}{named} end"


def _losses(column: Column, text: str) -> list[tuple[str, str]]:
    """(SQL condition, reason) for text that gave a value, but not the one it says."""
    value = f"`{column.name}`"
    if column.type in _EXACT_DIGITS:
        digits, largest = _EXACT_DIGITS[column.type]
        number, whole = f"try_cast(`{text}` as {column.type})", f"try_cast(`{text}` as decimal(38, 0))"
        # text of more digits than a decimal has is longer than any number that a row should name exactly
        exact = f"coalesce(try_cast({number} as decimal(38, 0)) = {whole}, false)"
        long = quoted(rf"^{_PADDING}[+-]?[0-9]{{{digits + 1},}}(\.0*)?{_PADDING}$")
        return [
            (f"not (abs({value}) <= {largest})", "not finite"),
            (f"length(`{text}`) > {digits} and `{text}` rlike {long} and not ({exact})", "inexact"),
            (f"{number if column.convert else value} = 0 and `{text}` rlike {quoted(_NOT_ZERO)}", "inexact"),
        ]
    if decimal := _DECIMAL.fullmatch(column.type):
        number = f"try_cast(`{text}` as {column.type})"
        more_places = quoted(rf"\.[0-9]{{{decimal[2]}}}[0-9]*[1-9]")
        by_exponent = f"try_cast(`{text}` as double) <> cast({number} as double)"
        to_nothing = f"({number} = 0 and `{text}` rlike {quoted(_NOT_ZERO)})"
        is_rounded = f"if(`{text}` rlike '[eE]', {by_exponent} or {to_nothing}, `{text}` rlike {more_places})"
        return [(f"{number} is not null and {is_rounded}", "inexact")]
    return []
