"""The type that is inferred from text reads every value of it, and says what stands for none."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.scaffold.columns import infer, infer_all, instants, number, numbers
from pipelines.scaffold.patterns import PATTERNS, Pattern

STRFTIME = {
    "yyyy": "%Y",
    "MM": "%m",
    "dd": "%d",
    "HH": "%H",
    "mm": "%M",
    "ss": "%S",
    "'T'": "T",
    "M": "%m",
    "d": "%d",
    "H": "%H",
    "h": "%I",
    "a": "%p",
    "SSSSSS": "%f",
    "XXX": "+00:00",
}


@pytest.mark.parametrize(
    ("texts", "type_"),
    [
        (["1", "-2", "+3"], "int"),
        (["0", "1", ""], "int"),
        (["2147483648", "1"], "bigint"),
        (["1", "2.5", ".5", "1e3"], "double"),
        (["1.5", "n/a", "-"], "double"),
        (["007", "012"], "string"),
        (["9999999999999999999"], "string"),
        (["12345678901234567", "1.5"], "string"),
        (["1e999", "2"], "string"),
        (["true", "False"], "boolean"),
        (["Y", "n"], "boolean"),
        (["yes"], "string"),
        (["M", "L", "H"], "string"),
        (["NA", "DE"], "string"),
        (["2014-01-01 05:00", "2014-12-31 23:59"], "timestamp"),
        (["2014-01-01", ""], "date"),
        (["2014-02-30", "2014-01-01"], "string"),
        (["", ""], "string"),
        (["١٢", "٣"], "string"),
    ],
)
def test_a_columns_type_is_the_narrowest_that_reads_it(texts, type_):
    assert infer("x", texts).type == type_


def test_what_stands_for_no_value_is_told_and_counted():
    column = infer("x", ["1.5", "n/a", "", "2", "?"])
    assert (column.nulls, column.missing, column.nullable) == (("?", "n/a"), 0.6, True)
    assert [number(column, text) for text in ("1.5", "2")] == [1.5, 2.0]
    assert math.isnan(number(column, "n/a")) and math.isnan(number(column, ""))


def test_a_decimal_comma_is_read_as_one():
    column = infer("x", ["1,5", "-2,25", "3"])
    assert (column.type, column.comma) == ("double", True)
    assert numbers(column, ["1,5", "-2,25", "3"]).tolist() == [1.5, -2.25, 3.0]


@pytest.mark.parametrize(
    ("texts", "pattern", "is_ambiguous"),
    [
        (["31-12-2002 01:00", "01-01-2003 00:00"], "dd-MM-yyyy HH:mm", False),
        (["12/31/2002", "01/05/2003"], "MM/dd/yyyy", False),
        (["01/02/2003", "02/03/2003"], "dd/MM/yyyy", True),
        (["01/02/2003", "01/03/2003"], "MM/dd/yyyy", True),
        (["1/31/2003 1:05 PM", "12/1/2003 12:00 AM"], "M/d/yyyy h:mm a", False),
        (["2014-01-01T05:00:00Z", "2014-01-01T05:00:00+10:00"], "yyyy-MM-dd'T'HH:mm:ssXXX", False),
        (["31.12.2002", "1.1.2003"], "d.M.yyyy", False),
    ],
)
def test_the_pattern_of_instants_is_found(texts, pattern, is_ambiguous):
    column = infer("x", texts)
    assert (column.pattern, column.is_ambiguous) == (pattern, is_ambiguous)


def test_instants_are_utc_unless_they_name_an_offset():
    column = infer("at", ["2014-01-01T05:00:00+10:00", ""])
    assert instants(column, ["2014-01-01T05:00:00+10:00", ""]) == [datetime(2013, 12, 31, 19, tzinfo=UTC), None]


def test_a_field_without_a_name_is_left_out_and_names_do_not_meet():
    found = infer_all({"": ["0"], "Temp": ["1"], "temp": ["2"]})
    assert [(column.name, column.field) for column in found] == [("temp", "Temp"), ("temp_2", "temp")]


@given(st.lists(st.integers(-(2**63) + 1, 2**63 - 1).map(str), min_size=1))
def test_whole_numbers_are_read_as_they_are(texts):
    column = infer("x", texts)
    assert column.type in ("int", "bigint")
    assert [number(column, text) for text in texts] == [float(int(text)) for text in texts]
    assert column.type == "bigint" or all(-(2**31) <= int(text) < 2**31 for text in texts)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False).map(repr), min_size=1))
def test_numbers_are_read_as_python_reads_them(texts):
    column = infer("x", texts)
    if column.type == "double":
        assert [number(column, text) for text in texts] == [float(text) for text in texts]
    else:  # digits that a double would lose are left as they are written
        assert column.type == "string" and any(len(text.lstrip("-").split(".")[0]) > 15 for text in texts)


WITH_MICROSECONDS_OR_NONE = [pattern for pattern in PATTERNS if not re.search("(?<!S)SSS(?!S)", pattern.text)]


@given(
    st.sampled_from(WITH_MICROSECONDS_OR_NONE),
    st.lists(st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)), min_size=1),
)
def test_instants_are_read_by_every_pattern_as_strptime_would(pattern, moments):
    form = _form(pattern.text)
    moments = [moment.replace(microsecond=moment.microsecond if "%f" in form else 0) for moment in moments]
    texts = [moment.strftime(form) for moment in moments]
    expected = [datetime.strptime(text, form).replace(tzinfo=UTC) for text in texts]
    assert [pattern.read(text) for text in texts] == expected
    column = infer("at", texts)
    assert column.type == ("timestamp" if pattern.has_time else "date")
    assert None not in [Pattern(column.pattern).read(text) for text in texts]


@given(st.lists(st.text(max_size=8), min_size=1))
def test_whatever_is_inferred_reads_every_value_that_is_there(texts):
    texts = [text.strip(" ") for text in texts]
    column = infer("x", texts)
    kept = [text for text in texts if text and text not in column.nulls]
    if column.is_number or column.type == "boolean":
        assert not any(math.isnan(number(column, text)) for text in kept)
    if column.is_time:
        assert None not in instants(column, kept)
    assert column.missing == pytest.approx(1.0 - len(kept) / len(texts))


def _form(pattern: str) -> str:
    """The pattern as strftime has it."""
    tokens = re.findall(r"yyyy|MM|M|dd|d|HH|H|h|mm|ss|SSSSSS|a|XXX|'T'|.", pattern)
    return "".join(STRFTIME.get(token, token) for token in tokens)
