"""What a parser makes of a file's records: in their order, each with its place, none without an answer."""

from __future__ import annotations

import pytest

from pipelines.contracts.records import ParserError, Unparsed
from pipelines.transforms.derived import NO_ROW, derived, derived_rows
from tests.frames import frame


def record(position, fields, problem=None):
    return {"_file": "a", "_position": position, "_problem": problem, "_fields": fields}


def split(records):
    """Each word a row; no word no row; a blank where a number stands."""
    for fields in records:
        words = fields["words"].split()
        yield Unparsed("a number") if "1" in words else [{"word": word} for word in words]


def told(rows):
    return [(row["_position"], row["_ordinal"], row["_problem"], dict(row["_fields"])) for row in rows]


def test_each_record_gives_its_rows_or_its_reason():
    records = [record(2, {"words": "x y"}), record(3, {"words": "1"}), record(4, {"words": ""})]
    assert told(derived_rows(iter(records), split)) == [
        (2, 0, None, {"word": "x"}),
        (2, 1, None, {"word": "y"}),
        (3, 0, "a number", {"words": "1"}),
        (4, 0, NO_ROW, {"words": ""}),
    ]


def test_a_parser_may_look_ahead_and_does_not_see_what_could_not_be_read():
    def behind(records):
        seen = [fields["words"] for fields in records]
        for number, word in enumerate(seen):
            yield [{"word": word, "next": seen[number + 1] if number + 1 < len(seen) else None}]

    broken = record(3, {}, "not CSV")
    records = [record(2, {"words": "x"}), broken, record(4, {"words": "y"}), record(5, {}, "torn")]
    assert told(derived_rows(iter(records), behind)) == [
        (2, 0, None, {"word": "x", "next": "y"}),
        (3, 0, "not CSV", {}),
        (4, 0, None, {"word": "y", "next": None}),
        (5, 0, "torn", {}),
    ]


def test_a_parser_out_of_step_is_named():
    def too_few(records):
        yield [next(iter(records))]

    def too_many(records):
        yield from ([fields] for fields in records)
        yield [{}]

    records = [record(2, {"words": "x"}), record(3, {"words": "y"})]
    with pytest.raises(ParserError, match=r"too_few: leaves 1 records"):
        list(derived_rows(iter(records), too_few))
    with pytest.raises(ParserError, match=r"too_many: gives more"):
        list(derived_rows(iter(records), too_many))


def test_files_are_parsed_each_by_itself_in_the_order_of_their_records(spark):
    def numbered(records):
        for number, fields in enumerate(records):
            yield [{"at": f"{number}{fields['words']}"}] * 2

    records = frame(
        spark,
        "_file string, _position long, _problem string, _fields map<string,string>, _delivered_at timestamp",
        [(file, at, None, {"words": file}, "2024-01-01 00:00") for at in (12, 3, 2) for file in ("a", "b")],
    )
    rows = derived(records.repartition(3), numbered).collect()
    assert sorted((row["_file"], row["_position"], row["_ordinal"], row["_fields"]["at"]) for row in rows) == [
        (file, position, ordinal, f"{number}{file}")
        for file in ("a", "b")
        for number, position in enumerate((2, 3, 12))
        for ordinal in (0, 1)
    ]
    assert {row["_delivered_at"].isoformat() for row in rows} == {"2024-01-01T00:00:00"}
