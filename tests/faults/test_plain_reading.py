"""The plain reading against literal records, so that F10 compares with something that was looked at by eye."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from tests.faults.fuzz import files
from tests.faults.plain_reading import read

GOOD = {
    "item_id": " k1 ",
    "pieces": "3.0",
    "total": "9223372036854775807",
    "amount": "-12.300",
    "share": "1e-3",
    "noted_at": "2014-03-30T02:30+01:00",
    "is_open": "Yes",
    "note": " ",
}


def test_a_good_record_has_its_values():
    values, reasons = read(GOOD, has_header=True)
    assert reasons == []
    assert values == {
        "item_id": "k1",
        "pieces": 3,
        "total": 9223372036854775807,
        "amount": Decimal("-12.30"),
        "share": 0.001,
        "noted_at": datetime(2014, 3, 30, 1, 30, tzinfo=UTC),
        "is_open": True,
        "note": None,
    }


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("item_id", "  ", "empty"),
        ("pieces", "3.5", "unreadable"),
        ("pieces", "2147483648", "unreadable"),
        ("total", "\uff17", "unreadable"),
        ("amount", "1.005", "inexact"),
        ("amount", "10000000000", "unreadable"),
        ("share", "NaN", "not finite"),
        ("share", "9007199254740993", "inexact"),
        ("share", "7d", "unreadable"),
        ("noted_at", "9999-12-31T23:59-00:01", "unreadable"),
        ("noted_at", "2015-02-29 00:00:00", "unreadable"),
        ("is_open", "on", "unreadable"),
    ],
)
def test_what_cannot_be_read_is_named(name, text, reason):
    assert read({**GOOD, name: text}, has_header=True)[1] == [f"{reason}: {name}"]


def test_a_field_that_is_not_there_is_missing_where_a_header_names_all():
    lacks_note = {name: text for name, text in GOOD.items() if name != "note"}
    assert read(lacks_note, has_header=True)[1] == ["field missing: note"]
    assert read(lacks_note, has_header=False)[1] == []


def test_a_seed_gives_the_same_files_and_so_many_records_a_format():
    made = files(30, seed=4)
    assert made == files(30, seed=4)
    assert [len(file.records) for file in made] == [30] * 4
