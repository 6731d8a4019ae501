"""Personal values never reach a screen: literal records in, literal text out."""

from __future__ import annotations

import pytest

from pipelines.contracts.domain import Domain
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table
from pipelines.runner.masking import shape, shown

CSV, LINES = Source("desk", format="csv"), Source("phone", format="jsonl")
NAME = Column("guest", "string", field="name", formerly=("full_name",), pii=True)
STAYS = (Column("stay_id", "string"), NAME, Column("nights", "int"))
DOMAIN = Domain(
    name="inn",
    owner="tests",
    question="?",
    sources=(CSV, LINES),
    tables=(
        Table("stays", source="desk", key=("stay_id",), columns=STAYS),
        Table("bills", source="desk", key=("stay_id",), columns=(STAYS[0], Column("price", "double"))),
        Table("calls", source="phone", key=("stay_id",), columns=STAYS),
    ),
)


@pytest.mark.parametrize(
    ("source", "raw", "fields", "text"),
    [
        (CSV, "s1,Ann Lee,2", {"stay_id": "s1", "name": "Ann Lee", "nights": "2"}, "s1,***,2"),
        (CSV, 's1,"Lee, Ann",2', {"stay_id": "s1", "name": "Lee, Ann", "nights": "2"}, 's1,"***",2'),
        # the same value elsewhere goes too; inside another word it is another word
        (CSV, "Ann,Ann,Annex", {"stay_id": "Ann", "name": "Ann", "nights": "Annex"}, "***,***,Annex"),
        (CSV, "s1,Ann,2", {"stay_id": "s1", "full_name": "Ann", "nights": "2"}, "s1,***,2"),
        (CSV, "s1,,2", {"stay_id": "s1", "name": "", "nights": "2"}, "s1,,2"),
        (
            LINES,
            '{"stay_id": "s1", "name": "Zoë"}',
            {"stay_id": "s1", "name": "Zoë"},
            '{"stay_id": "s1", "name": "***"}',
        ),
        (LINES, '{"stay_id": "s1", "name": 7.50}', {"stay_id": "s1", "name": "7.50"}, '{"stay_id": "s1", "name": ***}'),
        (LINES, '{"stay_id": "s1", "name": null}', {"stay_id": "s1", "name": None}, '{"stay_id": "s1", "name": null}'),
    ],
)
def test_personal_values_are_hidden_in_the_raw_text_and_in_the_fields(source, raw, fields, text):
    found = shown(DOMAIN, source, raw, fields)
    assert (found.raw, found.why) == (text, "")
    assert found.fields == {n: "***" if "name" in n and value else value for n, value in fields.items()}


@pytest.mark.parametrize(
    ("source", "raw", "fields", "text", "why"),
    [
        (CSV, 's1,"Ann', {}, 'x0,"xxx', "it could not be parsed, and its source brings personal fields"),
        (
            CSV,
            's1,"Ann ""A"" Lee",2',
            {"stay_id": "s1", "name": 'Ann "A" Lee', "nights": "2"},
            'x0,"xxx ""x"" xxx",0',
            "a personal field is written in it in another way than it is read",
        ),
        (
            LINES,
            '{"stay_id": "s1", "name": "Zo\\u00eb", "note": "Zoë"}',
            {"stay_id": "s1", "name": "Zoë", "note": "Zoë"},
            '{"xxxx_xx": "x0", "xxxx": "xx\\x00xx", "xxxx": "xxx"}',
            "a personal field is written in it in another way than it is read",
        ),
        (
            LINES,
            '{"stay_id": "s1", "name": {"first":  "Zoe"}}',
            {"stay_id": "s1", "name": '{"first": "Zoe"}'},
            '{"xxxx_xx": "x0", "xxxx": {"xxxxx":  "xxx"}}',
            "a personal field is written in it in another way than it is read",
        ),
        (
            CSV,
            "s1,Ann Lee,2",
            {"stay_id": "s1", "nmae": "Ann Lee", "nights": "2"},
            "x0,xxx xxx,0",
            "it has no field 'name', which is personal and may have come under another name",
        ),
    ],
)
def test_where_its_place_is_not_certain_the_whole_raw_text_keeps_only_its_shape(source, raw, fields, text, why):
    found = shown(DOMAIN, source, raw, fields)
    assert (found.raw, found.why) == (text, why)
    assert not [v for n, v in found.fields.items() if n in ("name", "nmae") and v != "***"]


def test_words_about_a_record_lose_what_is_hidden_in_it():
    found = shown(DOMAIN, CSV, "s1,Ann Lee,2", {"stay_id": "s1", "name": "Ann Lee", "nights": "2"})
    assert found.masked("no room for Ann Lee in s1") == "no room for *** in s1"


def test_without_a_personal_column_a_record_is_shown_as_it_is():
    plain = Domain("inn", "tests", "?", sources=(CSV,), tables=DOMAIN.tables[1:2])
    found = shown(plain, CSV, 's1,"Ann', {})
    assert (found.raw, found.fields, found.why) == ('s1,"Ann', {}, "")


def test_a_shape_keeps_length_and_punctuation():
    assert shape('Zoë-7, "½" #42') == 'xxx-0, "0" #00'
