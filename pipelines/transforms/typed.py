"""Raw fields to typed columns: what could not be read, or not without loss, is named and never guessed."""

from __future__ import annotations

import re
from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.tables import Column, Table
from pipelines.transforms import fields
from pipelines.transforms.fields import quoted
from pipelines.transforms.instants import instant
from pipelines.transforms.reasons import applying

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


def typed(records: DataFrame, table: Table, *, has_header: bool, headers: Sequence[str] = ()) -> DataFrame:
    """Cast the raw fields to the declared columns, and list in `_reasons` what could not be read.

    records: bronze rows with `_problem` and `_fields`, `_ordinal` too where a parser made several rows of a record.
    has_header: each delivery names all its fields, so a field that a record lacks was dropped from the whole delivery.
    headers: every `_header` that a record has whose fields are in its raw text; unless it is said, they are unpacked
    one by one.
    A record that withdraws its key (or a version of it) needs only that and the order.
    """
    records, raw_fields = fields.split_by(records, headers), fields.all_fields(headers)
    is_tombstone = f"transform(array({raw_fields}), raw -> {table.tombstone})[0]" if table.tombstone else "false"
    # what is used more than once is a step of its own: within one, Spark would compute it each time
    texts = {text: f"_text {i}" for i, text in enumerate(dict.fromkeys(_text_of(column) for column in table.columns))}
    reads = {column.name: f"_read {i}" for i, column in enumerate(table.columns)}
    found = records.select(
        *[name for name in (*RECORD, "_problem", "_fields") if name != "_ordinal"],
        *[name for name in (fields.LAYOUT, fields.VALUES) if name in records.columns],
        # numbers the rows of one record, where a domain's parser makes several
        (F.col("_ordinal") if "_ordinal" in records.columns else F.lit(0)).alias("_ordinal"),
        *[F.expr(f"trim({_found(names, headers)})").alias(text) for (names, _), text in texts.items()],
    )
    said = found.withColumns({text: F.expr(_said(text, null_text)) for (_, null_text), text in texts.items()})
    read = said.withColumns(
        {reads[column.name]: F.expr(_read(column, texts[_text_of(column)])) for column in table.columns}
    )
    # alike for all columns at once, so that no column's own name can shadow a raw field's
    rows = read.select(
        *read.columns,
        F.coalesce(F.expr(is_tombstone), F.lit(False)).alias("_delete"),
        *[F.expr(_value(column, reads[column.name])).alias(column.name) for column in table.columns],
    )
    misread = [
        _misreading(
            column,
            texts[_text_of(column)],
            reads[column.name],
            is_needed=column.name in (*table.version_key, *table.order),
            has_header=has_header,
            headers=headers,
        )
        for column in table.columns
    ]
    unreadable = F.when(
        F.col("_problem").isNotNull(), F.array(F.concat(F.lit("unreadable: "), F.col("_problem")))
    ).otherwise(F.array_distinct(applying([F.expr(reason) for reason in misread])))
    rows = rows.withColumn("_reasons", unreadable).drop(
        "_problem", "_fields", fields.LAYOUT, fields.VALUES, *texts.values(), *reads.values()
    )
    return rows.withColumn("available_at", F.expr(table.available_at) if table.available_at else F.col("_delivered_at"))


def _text_of(column: Column) -> tuple[tuple[str, ...], str]:
    """What a column's text depends on: the fields that may have it, and what stands for no value there."""
    return column.fields, column.null_text


def _found(names: Sequence[str], headers: Sequence[str]) -> str:
    """SQL for the text of the first of these fields that a record has."""
    found = fields.text(names[-1], headers)
    for field in reversed(names[:-1]):
        found = f"if({fields.has(field, headers)}, {fields.text(field, headers)}, {found})"
    return found


def _said(text: str, null_text: str) -> str:
    """SQL for a trimmed text, null where it is blank or stands for no value."""
    is_nothing = f"`{text}` = ''"
    if null_text:
        is_nothing += f" or `{text}` rlike " + quoted(rf"\A(?:{null_text})\z")
    return f"if({is_nothing}, null, `{text}`)"


def _read(column: Column, text: str) -> str:
    """SQL that reads the column's type from its text, null where it cannot."""
    if column.type == "timestamp" or column.pattern:
        return f"cast({instant(f'`{text}`', column.patterns or (ISO_WITH_OFFSET,))} as {column.type})"
    return _number(column, text)


def _in_range(column: Column, read: str) -> str:
    """SQL for what was read, but for years that Spark knows and Python and most readers of its files do not."""
    if column.type in ("timestamp", "date"):
        return f"if(year(`{read}`) >= 1 and year(`{read}`) <= 9999, `{read}`, null)"
    return f"`{read}`"


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
    return value


def _value(column: Column, read: str) -> str:
    """SQL for the column's value: what was read, converted where that is declared."""
    value = _in_range(column, read)
    return f"transform(array({value}), value -> {column.convert})[0]" if column.convert else value


def _misreading(
    column: Column, text: str, read: str, *, is_needed: bool, has_header: bool, headers: Sequence[str]
) -> str:
    """SQL for the reason why a column could not be read, null if it could."""
    value, field = f"`{column.name}`", column.field
    cases = []
    # what a conversion makes null on purpose was read all the same, if null is allowed
    unread = f"{_in_range(column, read)} is null" if column.convert and column.nullable else "true"
    cases.append((f"{value} is null and `{text}` is not null and {unread}", "unreadable"))
    is_there = " or ".join(fields.has(name, headers) for name in column.fields)
    if (has_header or not column.nullable) and not column.optional:
        # without a conversion, what is missing is null; with one, it may have become a value
        missing = f"not ({is_there})" if column.convert else f"{value} is null and not ({is_there})"
        cases.append((missing, "field missing"))
    if not column.nullable:
        cases.append((f"{value} is null", "empty"))
    cases += _losses(column, text)
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
