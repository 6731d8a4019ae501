"""Text becomes a value or a reason, never another value."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tables import Column, Table
from pipelines.transforms.typed import typed

TYPES = ("double", "bigint", "decimal(9,2)", "string", "binary", "boolean", "date", "timestamp")
RECORDS = (
    "_record_id string, _file string, _position long, _raw string, _problem string, _fields map<string,string>, "
    "_delivered_at timestamp"
)


def read(spark, column: Column, texts: list[dict[str, str | None]], *, has_header: bool = False):
    """(value, reason) of the column for each record's fields."""
    table = Table("things", source="things", key=("thing_id",), columns=(Column("thing_id", "string"), column))
    rows = [(f"r-{i}", "f", i, "", None, {"thing_id": str(i)} | fields, None) for i, fields in enumerate(texts)]
    found = typed(spark.createDataFrame(rows, RECORDS), table, has_header=has_header).orderBy("_position").collect()
    return [(row[column.name], *row["_reasons"]) for row in found]


CASES = {
    "double": {
        "1.5": (1.5,),
        "9007199254740992": (9007199254740992.0,),
        "9007199254740993": (9007199254740992.0, "inexact: x"),
        "9007199254740993.0": (9007199254740992.0, "inexact: x"),
        "123456789012345678901234567890123456789012": (1.2345678901234568e41, "inexact: x"),
        "NaN": ("nan", "not finite: x"),
        "-Infinity": (float("-inf"), "not finite: x"),
        "1e999": (float("inf"), "not finite: x"),
        "9007199254740993\t": (9007199254740992.0, "inexact: x"),
        "1e-400": (0.0, "inexact: x"),
        "0.0e5": (0.0,),
        "1e5": (100000.0,),
        "12d": (None, "unreadable: x"),
        "1.5F": (None, "unreadable: x"),
        "0x1p3": (None, "unreadable: x"),
        "one": (None, "unreadable: x"),
        "": (None, "empty: x"),
    },
    "float": {"16777216": (16777216.0,), "16777217": (16777216.0, "inexact: x")},
    "int": {
        "2147483647": (2147483647,),
        "2147483648": (None, "unreadable: x"),
        "1.5": (None, "unreadable: x"),
    },
    "bigint": {"9223372036854775807": (9223372036854775807,), "9223372036854775808": (None, "unreadable: x")},
    "string": {" kept ": ("kept",)},
}


@pytest.mark.parametrize("kind", CASES)
def test_what_a_type_cannot_hold_is_named(spark, kind):
    texts, wanted = zip(*CASES[kind].items(), strict=True)
    found = read(spark, Column("x", kind), [{"x": text} for text in texts])
    assert [("nan" if row[0] != row[0] else row[0], *row[1:]) for row in found] == list(wanted)


def test_a_whole_number_may_be_written_with_a_point(spark):
    texts = ("3.0", "-3.00", "3.", "2147483647.0", "2147483648.0", "3.5", "3.01", "3.0.0", ".0", "3,0")
    found = read(spark, Column("x", "int"), [{"x": text} for text in texts])
    unreadable = (None, "unreadable: x")
    assert found == [(3,), (-3,), (3,), (2147483647,), *[unreadable] * 6]
    # more digits than a double has: read as text, not by way of one
    long = read(spark, Column("x", "bigint"), [{"x": "9007199254740993.0"}])
    assert long == [(9007199254740993,)]


def test_decimal_places_are_not_rounded_away(spark):
    found = read(
        spark, Column("x", "decimal(6,2)"), [{"x": text} for text in ("12.300", "12.345", "12345.6", "1.23e1", "1e-30")]
    )
    assert [(str(value), *reasons) for value, *reasons in found] == [
        ("12.30",),
        ("12.35", "inexact: x"),
        ("None", "unreadable: x"),
        ("12.30",),
        ("0.00", "inexact: x"),
    ]


def test_a_number_that_a_conversion_makes_zero_was_read_exactly(spark):
    column = Column("x", "double", convert="value - 5")
    assert read(spark, column, [{"x": text} for text in ("5", "1e-400")]) == [(0.0,), (-5.0, "inexact: x")]


def test_a_decimal_is_written_in_ascii_digits_and_no_exponent_makes_it_nothing_unnoticed(spark):
    texts = ("\uff11\uff12", "1.2\uff13\uff14", "1e-400", "0e5", "1.23e1\t")
    found = read(spark, Column("x", "decimal(6,2)"), [{"x": text} for text in texts])
    assert [(str(value), *reasons) for value, *reasons in found] == [
        ("None", "unreadable: x"),
        ("None", "unreadable: x"),
        ("0.00", "inexact: x"),
        ("0.00",),
        ("12.30",),
    ]


def test_days_and_years_that_no_calendar_here_has_are_unreadable(spark):
    column = Column("seen_on", "date", pattern="yyyy-MM-dd")
    texts = ("2024-02-29", "2023-02-29", "0000-01-01", "9999-12-31", "10000-01-01")
    found = read(spark, column, [{"seen_on": text} for text in texts])
    assert [reasons for _, *reasons in found] == [
        [],
        ["unreadable: seen_on"],
        ["unreadable: seen_on"],
        [],
        ["unreadable: seen_on"],
    ]
    assert str(found[0][0]) == "2024-02-29"


def test_several_patterns_are_tried_in_turn(spark):
    column = Column("seen_on", "date", pattern=("d-MMM-yy", "M/d/yyyy"))
    found = read(spark, column, [{"seen_on": text} for text in ("2-Jun-06", "11/13/2006", "13/11/2006")])
    assert [(str(value), *reasons) for value, *reasons in found] == [
        ("2006-06-02",),
        ("2006-11-13",),
        ("None", "unreadable: seen_on"),
    ]


def test_text_that_stands_for_no_value_is_null_and_may_be_kept_beside(spark):
    words = "Weight Captured Separately|See DN-\\d+.*"
    fields = [{"w": text} for text in ("13", "Weight Captured Separately", "See DN-304 (ID#:10589)", "heavy", None)]
    weight = Column("weight_kg", "double", field="w", nullable=True, null_text=words)
    assert read(spark, weight, fields) == [(13.0,), (None,), (None,), (None, "unreadable: w"), (None,)]
    note = Column(
        "weight_note", "string", field="w", nullable=True, convert="if(try_cast(value as double) is null, value, null)"
    )
    assert read(spark, note, fields) == [
        (None,),
        ("Weight Captured Separately",),
        ("See DN-304 (ID#:10589)",),
        ("heavy",),
        (None,),
    ]


def test_a_renamed_field_is_read_under_its_former_names(spark):
    column = Column("load_gw", "double", field="demand_gw", formerly=("gw", "load"))
    fields = [{"demand_gw": "1"}, {"gw": "2"}, {"load": "3"}, {"demand_gw": "4", "gw": "9"}, {"other": "5"}]
    assert read(spark, column, fields) == [(1.0,), (2.0,), (3.0,), (4.0,), (None, "field missing: demand_gw")]


def test_a_dropped_field_breaks_the_contract_where_deliveries_name_all_their_fields(spark):
    nullable = Column("gust_kmh", "double", nullable=True)
    fields = [{"gust_kmh": ""}, {}]
    assert read(spark, nullable, fields, has_header=True) == [(None,), (None, "field missing: gust_kmh")]
    assert read(spark, nullable, fields, has_header=False) == [(None,), (None,)]
    optional = Column("gust_kmh", "double", nullable=True, optional=True)
    assert read(spark, optional, fields, has_header=True) == [(None,), (None,)]


def test_a_dropped_field_is_missing_though_its_conversion_gives_a_value(spark):
    column = Column("is_cancelled", "double", field="arrival", convert="double(value is null)", nullable=True)
    assert read(spark, column, [{"arrival": ""}, {}], has_header=True) == [(1.0,), (1.0, "field missing: arrival")]


def test_a_field_may_have_any_name(spark):
    column = Column("price_usd", "double", field="Pack `Price` (it's $)")
    assert read(spark, column, [{"Pack `Price` (it's $)": "2.5"}]) == [(2.5,)]


@pytest.mark.parametrize("stated", [{"null_text": "n/a"}, {"optional": True}])
def test_what_may_be_missing_must_be_nullable(stated):
    with pytest.raises(DeclarationError, match=r"column 'x': .* only where it is nullable"):
        Column("x", "double", **stated)


def test_a_pattern_that_is_no_regular_expression_is_refused():
    with pytest.raises(DeclarationError, match=r"column 'x': null_text '\(' is no regular expression"):
        Column("x", "double", nullable=True, null_text="(")


def test_a_record_that_keeps_its_fields_in_its_text_is_read_whether_its_header_was_said_or_not(spark):
    schema = RECORDS.replace("_delivered_at", "_header string, _delivered_at")
    records = spark.createDataFrame([("r", "f", 2, "7;2.5;", None, None, ";thing_id;x;note", None)], schema)
    columns = (Column("thing_id", "string"), Column("x", "double"), Column("gone", "string"))
    table = Table("things", source="things", key=("thing_id",), columns=columns, tombstone="raw['note'] = 'gone'")
    for headers in ([], [";thing_id;x;note"], [",thing_id", ";thing_id;x;note"]):
        [row] = typed(records, table, has_header=True, headers=headers).collect()
        assert (row["thing_id"], row["x"], row["_reasons"]) == ("7", 2.5, ["field missing: gone"])
        assert row["_delete"] is False


@pytest.mark.parametrize("blank", ["", "  "])
@pytest.mark.parametrize("kind", TYPES)
def test_a_blank_is_no_value_of_any_type(spark, kind, blank):
    assert read(spark, Column("x", kind, nullable=True), [{"x": blank}]) == [(None,)]
    assert read(spark, Column("x", kind), [{"x": blank}]) == [(None, "empty: x")]


def test_text_that_may_be_missing_and_empty_is_always_read(spark):
    note = Column("note", "string", nullable=True, optional=True)
    assert read(spark, note, [{}, {"note": ""}, {"note": "x"}], has_header=True) == [(None,), (None,), ("x",)]


def test_an_instant_lies_in_the_years_that_others_know_too(spark):
    texts = {
        "0001-01-01T00:00:00Z": [],
        "0001-01-01T00:00:00+00:01": ["unreadable: at"],
        "9999-12-31T23:59:59.999999Z": [],
        "9999-12-31T23:59:59-00:01": ["unreadable: at"],
    }
    table = Table("things", source="things", key=("at",), columns=(Column("at", "timestamp"),))
    rows = [(f"r-{i}", "f", i, "raw", None, {"at": text}, None) for i, text in enumerate(texts)]
    found = typed(spark.createDataFrame(rows, RECORDS), table, has_header=False).orderBy("_position")
    told = found.select("_reasons", "_is_good", "_raw", F.col("at").isNull().alias("is_null")).collect()
    assert [row["_reasons"] for row in told] == list(texts.values())
    bad = [bool(reasons) for reasons in texts.values()]
    assert [(not row["_is_good"], row["_raw"] == "raw", row["is_null"]) for row in told] == [(b, b, b) for b in bad]
