"""Raw fields become typed rows, or are set apart with every reason; one Spark job for all cases."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime

import pytest

from pipelines.contracts.expectations import fail, quarantine, warn
from pipelines.contracts.shares import HELD_FILE, HELD_ROW
from pipelines.contracts.tables import Column, Table
from pipelines.stages.silver import refine, silver, statement_parts
from pipelines.transforms.reconcile import known_spans
from pipelines.transforms.tally import summed
from tests.arrivals import arrive
from tests.frames import frame, rows
from tests.toy_domains.mill.domain import DOMAIN

PONDS = Table(
    "ponds",
    source="ponds",
    key=("pond_id",),
    event_time="seen_at",
    available_at="greatest(seen_at, told_at)",
    order=("edition",),
    tombstone="raw['gone'] = 'yes'",
    columns=(
        Column("pond_id", "string"),
        Column("seen_at", "timestamp", pattern="dd.MM.yyyy HH:mm"),
        Column("told_at", "timestamp", nullable=True),
        Column("level_m", "double", field="cm", convert="value / 100", unit="m"),
        Column("fish", "int", nullable=True),
        Column("edition", "int"),
    ),
    expect=(
        quarantine("pond_is_deep", "level_m > 1"),
        quarantine("fish_are_few", "fish < 100"),
        warn("pond_is_not_full", "level_m < 5"),
        fail("pond_is_ours", "pond_id like 'p%'"),
    ),
)
GOOD = {"pond_id": "p1", "seen_at": "02.01.2024 06:00", "told_at": "", "cm": "250", "fish": "7", "edition": "0"}
CASES: dict[str, tuple[dict[str, str | None], list[str]]] = {
    "good": (GOOD, []),
    "blanks around": (GOOD | {"cm": " 250 "}, []),
    "nullable is empty": (GOOD | {"fish": ""}, []),
    "nullable is not there": ({k: v for k, v in GOOD.items() if k != "fish"}, []),
    "nullable cannot be read": (GOOD | {"fish": "many"}, ["unreadable: fish"]),
    "empty": (GOOD | {"cm": " "}, ["empty: cm"]),
    "null": (GOOD | {"cm": None}, ["empty: cm"]),
    "not there": ({k: v for k, v in GOOD.items() if k != "cm"}, ["field missing: cm"]),
    "two faults": (GOOD | {"cm": "deep", "pond_id": ""}, ["empty: pond_id", "unreadable: cm"]),
    "other pattern": (GOOD | {"seen_at": "2024-01-02T06:00"}, ["unreadable: seen_at"]),
    "no offset": (GOOD | {"told_at": "2024-01-02T06:00:00"}, ["unreadable: told_at"]),
    "broken promise": (GOOD | {"cm": "50"}, ["pond_is_deep"]),
    "not a number": (GOOD | {"cm": "NaN"}, ["not finite: cm"]),
    "two broken promises": (GOOD | {"cm": "50", "fish": "100"}, ["pond_is_deep", "fish_are_few"]),
    "overflow": (GOOD | {"edition": "99999999999"}, ["unreadable: edition"]),
    "warned": (GOOD | {"cm": "600"}, []),
    "withdrawn": (
        {"pond_id": "p1", "seen_at": "", "cm": "", "edition": "1", "gone": "yes", "told_at": "2024-01-03T00:00Z"},
        [],
    ),
    "withdrawn without a key": ({"pond_id": "", "edition": "1", "gone": "yes"}, ["empty: pond_id"]),
}


@pytest.fixture(scope="module")
def records(spark):
    return spark.createDataFrame(
        [
            ("f", position, f"id{position}", json.dumps(fields), None, fields, datetime(2024, 1, 9, tzinfo=UTC))
            for position, (fields, _) in enumerate(CASES.values())
        ]
        + [("f", 99, "id99", "???", "not CSV: newline", {}, datetime(2024, 1, 9, tzinfo=UTC))],
        "_file string, _position long, _record_id string, _raw string, _problem string, "
        "_fields map<string,string>, _delivered_at timestamp",
    )


@pytest.fixture(scope="module")
def refined(records):
    return {row["_position"]: row for row in refine(records, PONDS, has_header=False).toArrow().to_pylist()}


@pytest.mark.parametrize("case", CASES)
def test_a_record_is_good_or_has_its_reasons(refined, case):
    assert refined[list(CASES).index(case)]["_reasons"] == CASES[case][1]


def test_a_record_that_could_not_be_parsed_keeps_its_text_and_the_parsers_words(refined):
    assert (refined[99]["_raw"], refined[99]["_reasons"]) == ("???", ["unreadable: not CSV: newline"])


def test_values_are_converted_after_they_are_cast(refined):
    row = refined[0]
    assert (row["level_m"], row["fish"], row["edition"]) == (2.5, 7, 0)
    assert row["seen_at"] == row["available_at"] == datetime(2024, 1, 2, 6, tzinfo=UTC)


def test_a_withdrawal_needs_its_key_and_order_alone(refined):
    row = refined[list(CASES).index("withdrawn")]
    assert (row["_delete"], row["level_m"], row["available_at"]) == (True, None, datetime(2024, 1, 3, tzinfo=UTC))


def test_a_batch_becomes_changes_and_every_record_an_outcome(spark, records):
    named = {case: position for position, case in enumerate(CASES)}
    wanted = [named[case] for case in ("good", "blanks around", "empty", "withdrawn")]
    batch = refine(records.where(records["_position"].isin(wanted)), PONDS, has_header=False)
    held = frame(
        spark,
        "pond_id string, seen_at timestamp, told_at timestamp, level_m double, fish int, edition int, "
        "available_at timestamp, _record_id string, _ordinal int, _delivered_at timestamp, _batch long, _attempt long, "
        "ingested_at timestamp, _held_file string, _held_row long",
        [
            ("p1", "2024-01-02 06:00", None, 2.5, 7, 0, "2024-01-02 06:00", "r0", 0, "2024-01-03 00:00", 3, 4, None)
            + ("part", 17)
        ],
    )
    provenance = {"batch": 4, "attempt": 5, "ingested_at": datetime(2026, 1, 1, tzinfo=UTC)}
    found = silver(DOMAIN, PONDS, batch, held, None, **provenance)
    shares = (found.rows, found.history, found.quarantine)
    told = found.shared(shares)
    ((batch_of_rows,), (in_force, past, apart)) = told.toArrow().combine_chunks().to_batches(), shares
    tallied = summed([found.count(batch_of_rows)])
    assert sorted((line["_file"], line["outcome"], line["records"], line["_applied"]) for line in tallied.lines) == [
        ("f", "deleted", 1, 1),
        ("f", "duplicate", 1, 0),
        ("f", "quarantined", 1, 0),
        ("f", "unchanged", 1, 0),
    ]
    assert tallied.causes == {"empty: cm": 1}
    assert (in_force.table, in_force.is_begun) == ("silver.mill_ponds", False)
    assert rows(told.where(in_force.where)) == []
    assert rows(told.where(in_force.goes).select(HELD_FILE, HELD_ROW)) == [("part", 17)]
    assert past.table == "silver.mill_ponds_history"
    assert rows(told.where(past.where).select("edition", "level_m", "_delete", "_batch", "_attempt"), "edition") == [
        (0, 2.5, False, 3, 4),  # the row that was in force, as it was
        (1, None, True, 4, 5),  # its withdrawal
    ]
    assert apart.table == "quarantine.mill_ponds"
    shown = told.where(apart.where).select("_position", "_reasons", "_state")
    assert rows(shown) == [(named["empty"], ["empty: cm"], "open")]


def test_the_first_batch_begins_the_table_and_takes_nothing_from_it(spark, records):
    batch = refine(records.where(records["_position"] == 0), PONDS, has_header=False)
    found = silver(DOMAIN, PONDS, batch, None, None, batch=4, attempt=5, ingested_at=datetime(2026, 1, 1, tzinfo=UTC))
    told = found.shared((found.rows, found.history))
    assert (found.rows.goes, found.rows.is_begun, found.is_read_again) == ("", True, False)
    assert rows(told.where(found.rows.where).select(*found.rows.columns).select("pond_id", "level_m", "_batch")) == [
        ("p1", 2.5, 4)
    ]
    assert rows(told.where(found.history.where)) == []


# Random histories of statements, a key each, so that few Spark jobs hold many cases.

SAID = "pond_id string, edition int, level_m double, available_at timestamp, _delete boolean"
LEDGE = Table(
    "ledge",
    source="ponds",
    key=("pond_id",),
    order=("edition",),
    columns=(Column("pond_id", "string"), Column("edition", "int"), Column("level_m", "double", nullable=True)),
)
Said = tuple[str, int, float | None, datetime, bool]


def spans_after(spark, batches: list[list[Said]]) -> set[tuple]:
    """Every span in which something was known, after these batches have come one after the other."""
    held, history = arrive(spark, DOMAIN, LEDGE, SAID, batches)
    spans = known_spans(held, history, **statement_parts(LEDGE))
    found = spans.select("pond_id", "level_m", "available_at", "known_until").toArrow().to_pylist()
    return {tuple(row.values()) for row in found}


def known_at(said: list[Said], at: datetime) -> float | None:
    """The plain meaning: what the greatest statement says of those known by then."""
    known = [(edition, is_delete, level) for _, edition, level, told, is_delete in said if told <= at]
    _, is_delete, level = max(known, default=(0, True, None))
    return None if is_delete else level


def test_what_was_known_at_each_time_is_the_same_in_any_order_of_arrival(spark):
    draw = random.Random(3)
    days = [datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 9)]
    said: dict[str, list[Said]] = {}
    for k in (f"k{n}" for n in range(60)):
        editions = draw.choices(range(5), k=draw.randrange(1, 5))
        # one content an edition: which of two that claim the same edition wins, is reconcile's own matter
        said[k] = [(k, edition, float(edition), draw.choice(days), draw.random() < 0.3) for edition in set(editions)]
    lines = [statement for of in said.values() for statement in of]
    shuffled = draw.sample(lines, len(lines))
    third = len(lines) // 3
    ends = [spans_after(spark, [shuffled[:third], shuffled[third : 2 * third], shuffled[2 * third :]])]
    ends.append(spans_after(spark, [shuffled[2 * third :], shuffled[:third], shuffled[third : 2 * third]]))
    assert ends[0] == ends[1]
    for k, statements in said.items():
        for at in days:
            seen = [level for of, level, told, until in ends[0] if of == k and told <= at and (not until or at < until)]
            expected = known_at(statements, at)
            assert seen == ([] if expected is None else [expected]), (k, at, statements)
