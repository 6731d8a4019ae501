"""Entries of a quarantine judged once more, row by row; a record that no parser understood stands for all its rows."""

from __future__ import annotations

from datetime import UTC, datetime

from pyspark.sql import DataFrame

from pipelines.contracts.expectations import quarantine
from pipelines.contracts.tables import Column, Table
from pipelines.stages.replay import Replay, open_entries, replay
from tests.frames import frame, rows
from tests.toy_domains.mill.domain import DOMAIN

HOURS = Table(
    "hours",
    source="ponds",
    key=("hour",),
    columns=(Column("hour", "int"), Column("level_m", "double")),
    expect=(quarantine("level_is_positive", "level_m > 0"),),
)
DAY = datetime(2024, 1, 2, tzinfo=UTC)


def entries(spark, places: list[tuple[str, int, list[str]]]) -> DataFrame:
    full = [
        (id, ordinal, "f", n, "raw", DAY, reasons, 1, 1, DAY, "open") for n, (id, ordinal, reasons) in enumerate(places)
    ]
    return spark.createDataFrame(
        full,
        "_record_id string, _ordinal int, _file string, _position long, _raw string, _delivered_at timestamp, "
        "_reasons array<string>, _batch long, _attempt long, ingested_at timestamp, _state string",
    )


def read_again(spark, derived: list[tuple[str, int, str | None, dict[str, str]]]) -> DataFrame:
    full = [
        (id, ordinal, "f", n, "raw", problem, fields, DAY) for n, (id, ordinal, problem, fields) in enumerate(derived)
    ]
    return spark.createDataFrame(
        full,
        "_record_id string, _ordinal int, _file string, _position long, _raw string, _problem string, "
        "_fields map<string,string>, _delivered_at timestamp",
    )


def again(open_: DataFrame, read: DataFrame) -> Replay:
    given = {"has_header": False, "attempt": 7, "ingested_at": DAY}
    return replay(DOMAIN, HOURS, open_, read, None, None, **given)


def in_force(found: Replay) -> DataFrame:
    return found.again.shared((found.again.rows,)).where(found.again.rows.where)


def test_a_record_that_is_parsed_now_leaves_with_all_its_rows_or_stays_as_one_entry(spark):
    open_ = entries(spark, [("whole", 0, ["unreadable: no day"]), ("half", 0, ["unreadable: no day"])])
    read = read_again(
        spark,
        [
            ("whole", 0, None, {"hour": "1", "level_m": "2.0"}),
            ("whole", 1, None, {"hour": "2", "level_m": "2.5"}),
            ("half", 0, None, {"hour": "3", "level_m": "1.0"}),
            ("half", 1, None, {"hour": "4", "level_m": "high"}),
            ("half", 2, None, {"hour": "5", "level_m": "-1"}),
        ],
    )
    found = again(open_, read)
    assert rows(found.outcomes(), "outcome") == [(1, "f", "new", 2, 1), (1, "f", "quarantined", 1, 1)]
    assert rows(in_force(found).select("hour", "level_m", "_batch", "_attempt"), "hour") == [
        (1, 2.0, 1, 7),
        (2, 2.5, 1, 7),
    ]
    marked = found.quarantine()
    assert (marked.how, marked.key) == ("merge", ("_record_id", "_ordinal"))
    shown = marked.frame.select("_record_id", "_state", "_moved_as", "_moved_attempt")
    assert rows(shown) == [("whole", "replayed", "new", 7)]
    assert rows(found.again.reasons()) == [("unreadable: level_m",)]


def test_a_row_that_was_set_apart_by_itself_brings_no_other_row_of_its_record(spark):
    open_ = entries(spark, [("day", 1, ["level_is_positive"])])
    read = read_again(
        spark,
        [("day", 0, None, {"hour": "1", "level_m": "2.0"}), ("day", 1, None, {"hour": "2", "level_m": "2.5"})],
    )
    assert rows(in_force(again(open_, read)).select("hour")) == [(2,)]


def test_open_entries_are_those_of_a_rule_a_file_or_records_that_nothing_moved(spark):
    held = frame(
        spark,
        "_record_id string, _file string, _reasons array<string>, _state string",
        [
            ("a", "f", ["empty: hour"], "open"),
            ("b", "f", ["emptyish"], None),
            ("c", "g", ["empty: hour", "level_is_positive"], "open"),
            ("d", "f", ["empty: hour"], "replayed"),
        ],
    )

    def ids(*wanted) -> list[tuple]:
        return rows(open_entries(held, *wanted).select("_record_id"), "_record_id")

    assert ids("", "", ()) == [("a",), ("b",), ("c",)]
    assert ids("empty", "", ()) == [("a",), ("c",)]
    assert ids("empty", "f", ()) == [("a",)]
    assert ids("", "", ("c", "d")) == [("c",)]
