"""What a delivery's fields are against the declaration."""

from __future__ import annotations

from pipelines.contracts.tables import Column, Table
from pipelines.transforms.contract import Break, breaks, delivered_fields, difference, told, unread
from tests.frames import rows

POOLS = Table(
    "pools",
    source="pools",
    key=("pool_id",),
    columns=(
        Column("pool_id", "string"),
        Column("level_m", "double", field="level", formerly=("depth",)),
        Column("note", "string", nullable=True),
        Column("colour", "string", nullable=True, optional=True),
    ),
)
WHOLE = {"pool_id", "level", "note"}
FIELDS = {
    "whole": WHOLE,
    "former name": WHOLE - {"level"} | {"depth"},
    "dropped": WHOLE - {"note"},
    "renamed": WHOLE - {"level"} | {"water_m"},
    "unreadable": set(),
}


def test_a_header_without_a_declared_field_breaks_the_contract():
    found = breaks(POOLS, FIELDS, {}, WHOLE, has_header=True)
    assert found == (Break("dropped", ("note",), (), ()), Break("renamed", ("level",), ("water_m",), ()))
    assert told(found, POOLS) == "dropped: lacks note; renamed: lacks level, has water_m instead"


def test_json_need_not_name_what_may_be_null():
    assert breaks(POOLS, FIELDS, {}, WHOLE, has_header=False) == (Break("renamed", ("level",), ("water_m",), ()),)


def test_a_column_that_no_record_can_be_read_for_is_told_with_its_type():
    found = breaks(
        POOLS, {"a": WHOLE, "b": WHOLE, "c": WHOLE}, {"a": ["level_m"], "b": ["level_m"]}, WHOLE, has_header=True
    )
    assert told(found, POOLS) == "a, b: no record has a readable level_m (double)"


def test_many_files_that_break_it_alike_are_counted():
    found = [Break(f"f{n}", ("note",), (), ()) for n in range(183)]
    assert told(found, POOLS) == "f0, f1, f2 and 180 more files: lacks note"


def test_columns_that_were_added_removed_and_retyped():
    before, after = {"a": "int", "b": "int", "c": "int"}, {"a": "int", "b": "bigint", "d": "string"}
    assert difference(before, after) == {
        "added": {"d": "string"},
        "removed": {"c": "int"},
        "retyped": {"b": "int to bigint"},
    }
    assert difference(before, before) == {}


def test_fields_are_those_of_any_record_and_unread_is_what_has_text_but_no_value(spark):
    records = spark.createDataFrame(
        [
            ("f", {"a": "1"}, None),
            ("f", {"a": "1", "b": None}, None),
            ("f", None, ",a,d"),
            ("g", {}, None),
            ("g", {"c": "3"}, None),
        ],
        "_file string, _fields map<string,string>, _header string",
    )
    assert {
        (row["_file"], row["header"], row["records"], *sorted(row["fields"]))
        for row in delivered_fields(records).collect()
    } == {("f", None, 2, "a", "b"), ("f", ",a,d", 1), ("g", None, 2, "c")}
    judged = spark.createDataFrame(
        [
            ("f", "p", None, None, None, ["unreadable: level"]),
            ("f", "p", None, None, None, ["unreadable: level", "empty: note"]),
            ("g", "p", None, None, None, ["unreadable: level"]),
            ("g", "p", 1.0, None, None, []),
        ],
        "_file string, pool_id string, level_m double, note string, colour string, _reasons array<string>",
    )
    assert rows(unread(judged, POOLS), "_file", "unread") == [("f", ["level_m"]), ("g", [])]
