"""Fields that stay in the raw text are the same, whoever takes them out of it."""

from __future__ import annotations

import pytest
from pyspark.errors import SparkRuntimeException
from pyspark.sql import functions as F

from pipelines.contracts.records import fields_of, header_names, packed_header
from pipelines.transforms import fields

DELIMITERS = (",", ";", "\t", "|", ".", "$", "^", "\\", "*", "n", "7", " ", "é", "😀", "'", '"')


def packed(spark, rows):
    return spark.createDataFrame(rows, "_raw string, _fields map<string,string>, _header string")


def packed_or_plain(spark, rows):
    return spark.createDataFrame(rows, "_raw string, _fields map<string,string>, _plain string, _header string")


@pytest.fixture(scope="module")
def by_delimiter(spark):
    """A record of three fields for every delimiter, one of them empty, and their headers."""
    rows = []
    for delimiter in DELIMITERS:
        header = packed_header(["a", "", "b c" if delimiter != " " else "b"], delimiter)
        assert header is not None
        rows.append((delimiter.join(["x", "", "ÿ\\d"] if delimiter != "\\" else ["x", "", "ÿ"]), None, header))
    return packed(spark, rows), [header for _, _, header in rows]


def test_a_name_with_the_delimiter_in_it_cannot_be_packed():
    assert packed_header(["a", "b,c"], ",") is None
    assert packed_header(["a", "b,c"], ";") == ";a;b,c"
    assert header_names(";a;b,c") == ["a", "b,c"]


def test_every_delimiter_parts_the_text_in_spark_as_in_python(by_delimiter):
    records, headers = by_delimiter
    expected = [fields_of(row["_raw"], row["_header"]) for row in records.collect()]
    assert [row["_fields"] for row in fields.unpacked(records).collect()] == expected
    maps = fields.split_by(records, headers).select(F.expr(fields.all_fields(headers)).alias("fields"))
    assert [row["fields"] for row in maps.collect()] == expected


def test_a_field_is_found_under_any_header_or_in_the_map(spark):
    records = packed(
        spark,
        [("1,2", None, ",a,b"), ("3,4", None, ",b,a"), ("5", None, ",c"), ('"6"', {"a": "6"}, None), ("?", {}, None)],
    )
    headers = [",a,b", ",b,a", ",c", None]
    found = fields.split_by(records, headers).selectExpr(
        f"{fields.text('a', headers)} AS text", f"{fields.has('a', headers)} AS has", f"{fields.has('d', headers)} AS d"
    )
    assert [tuple(row) for row in found.collect()] == [
        ("1", True, False),
        ("4", True, False),
        (None, False, False),
        ("6", True, False),
        (None, False, False),
    ]


def test_a_record_in_quotes_has_a_plain_text_besides(spark):
    rows = [
        ("1,2", None, None, ",a,b"),
        ('3,"4,5"', None, "3\x1f4,5", "\x1fa\x1fb"),
        ('"",""', None, "\x1f", "\x1fa\x1fb"),
    ]
    rows.append(('"6","7"', {"a": "6", "b": "7"}, None, ",a,b"))  # as it was kept before
    records, expected = packed_or_plain(spark, rows), [("1", "2"), ("3", "4,5"), ("", ""), ("6", "7")]
    assert [(row["_fields"]["a"], row["_fields"]["b"]) for row in fields.unpacked(records).collect()] == expected
    headers = ["\x1fa\x1fb", ",a,b"]
    found = fields.split_by(records, headers).selectExpr(*[fields.text(name, headers) for name in "ab"])
    assert [tuple(row) for row in found.collect()] == expected


@pytest.mark.parametrize("delimiter", ["\x1f", ";"])
def test_a_file_may_have_the_delimiter_of_plain_texts_as_its_own(spark, delimiter):
    header = f"{delimiter}a{delimiter}b"
    records = packed_or_plain(
        spark, [(f"1{delimiter}2", None, None, header), ('"3"?"4"', None, "3\x1f4", "\x1fa\x1fb")]
    )
    headers = sorted({header, "\x1fa\x1fb"})
    found = fields.split_by(records, headers).selectExpr(*[fields.text(name, headers) for name in "ab"])
    assert [tuple(row) for row in found.collect()] == [("1", "2"), ("3", "4")]


@pytest.mark.parametrize("headers", [[",a,b"], [",a,b", ",c"], [",a,b", ",b,c,a"]])
def test_a_map_is_read_in_the_order_of_its_header_where_none_is_without(spark, headers):
    records = packed(spark, [("1,2", None, ",a,b"), ('3,"4"', {"a": "3", "b": "4"}, ",a,b"), ("?", {}, None)])
    asked = [f"{fields.all_fields(headers)} AS fields"]
    asked += [f"{fields.text(name, headers)} AS `{name}`" for name in "abc"]
    asked += [f"{fields.has(name, headers)} AS has_{name}" for name in "abc"]
    found = [tuple(row) for row in fields.split_by(records, headers).selectExpr(*asked).collect()]
    assert found[:2] == [
        ({"a": "1", "b": "2"}, "1", "2", None, True, True, False),
        ({"a": "3", "b": "4"}, "3", "4", None, True, True, False),
    ]
    assert found[2][:4] == ({}, None, None, None)


@pytest.mark.parametrize(("record", "named"), [(("1,2", None, ",a,b"), "a,b"), (("1", {"a": "1"}, None), "none")])
def test_a_record_of_a_header_that_was_not_said_is_not_read_as_empty(spark, record, named):
    records = fields.split_by(packed(spark, [record]), [",b,a"])
    with pytest.raises(SparkRuntimeException, match=f"another header than those at hand: .*{named}"):
        records.select(fields.LAYOUT, fields.VALUES).collect()
