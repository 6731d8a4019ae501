"""What each expectation of a batch gives, and which of them refuse it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipelines.contracts.expectations import accepted, fail, fresh, quarantine, references, unique, volume, warn
from pipelines.contracts.tables import Column, Table
from pipelines.transforms.checks import Delivery, checks, counted, lookups, refusal
from pipelines.transforms.tally import NEWEST, tally
from tests.frames import frame

POOLS = Table(
    "pools",
    source="pools",
    key=("pool_id",),
    event_time="seen_at",
    columns=(
        Column("pool_id", "string"),
        Column("seen_at", "timestamp"),
        Column("code", "string", nullable=True),
        Column("weir_id", "string", nullable=True),
        Column("level_m", "double"),
    ),
    expect=(
        quarantine("pool_is_deep", "level_m > 1"),
        warn("pool_is_not_full", "level_m < 5"),
        fail("pool_is_ours", "pool_id like 'p%'"),
        accepted("code_is_known", "code", ("it's", "b"), "warn"),
        fresh("pools_are_fresh", timedelta(hours=12), "warn"),
        volume("pools_are_as_many_as_usual", "fail"),
        unique("code_is_unique", ("code",), "warn"),
        references("weir_is_known", ("weir_id",), "weirs", "fail"),
    ),
)
JUDGED = (
    "pool_id string, seen_at timestamp, code string, weir_id string, level_m double, outcome string, _delete boolean, "
    "_applied boolean, _file string, _reasons array<string>"
)
MIDNIGHT = "2024-01-02 00:00"
DELIVERY = Delivery(4, "silver.mill_pools", 1, 8, datetime(2024, 1, 3, tzinfo=UTC))


def found(of: tuple, name: str) -> tuple:
    (check,) = [check for check in of if check.expectation == name]
    return check.checked, check.broken, check.holds


@pytest.fixture(scope="module")
def results(spark):
    judged = frame(
        spark,
        JUDGED,
        [
            ("p1", MIDNIGHT, "it's", "w1", 6.0, "new", False, True, "f", []),
            ("p2", "2024-01-01 00:00", "b", "w9", 2.0, "new", False, True, "f", []),
            ("p3", MIDNIGHT, "c", None, 2.0, "updated", False, True, "g", []),
            ("x4", MIDNIGHT, "c", "w1", 2.0, "superseded", False, False, "g", []),
            ("p5", "2024-01-03 00:00", "z", "w9", 0.5, "quarantined", False, False, "g", ["pool_is_deep"]),
            ("p6", "2024-01-03 00:00", None, None, None, "quarantined", False, False, "g", ["unreadable: level_m"]),
            ("p7", None, None, None, None, "deleted", True, True, "g", []),
            ("p8", MIDNIGHT, None, None, 2.0, "new", False, True, "g", []),
        ],
    )
    held = frame(
        spark,
        "pool_id string, code string",
        [("h1", "b"), ("p1", "b"), ("h2", "old"), ("h3", "old"), ("h4", None)],
    )
    weirs = spark.createDataFrame([("w1",), ("w1",), ("w2",)], "weir_id string")
    told = counted(POOLS)
    seen = judged.withColumns(told).toArrow().combine_chunks()
    lines = tally(seen.to_batches()[0], [name for name in told if name != NEWEST])["lines"]
    looked_up = {rule: row.collect()[0] for rule, row in lookups(POOLS, judged, held, {"weirs": weirs}).items()}
    return checks(POOLS, DELIVERY, lines, looked_up)


WANTED = {
    "pool_is_deep": (6, 1, False),  # what could be read, also what it sets apart
    "pool_is_not_full": (5, 1, False),  # what came through
    "pool_is_ours": (5, 1, False),
    "code_is_known": (5, 2, False),  # null is allowed here
    "pools_are_fresh": (1, 1, False),
    "pools_are_as_many_as_usual": (1, 0, True),
    "code_is_unique": (3, 1, False),  # p2's b is h1's, too; what was alike before is no fault of the batch
    "weir_is_known": (3, 1, False),
}


@pytest.mark.parametrize("name", WANTED)
def test_each_expectation_counts_what_it_checked_and_what_broke_it(results, name):
    assert found(results, name) == WANTED[name]


def test_a_refusal_names_every_broken_promise_of_severity_fail(results):
    assert refusal(POOLS, results) == "pools: rows break pool_is_ours 1, weir_is_known 1"


def test_freshness_is_told_against_the_delivery(results):
    (check,) = [check for check in results if check.expectation == "pools_are_fresh"]
    assert (check.observed, check.bound, check.severity) == (24.0, "12 hours old or less", "warn")


def test_without_the_table_that_is_referred_to_every_reference_is_broken(spark):
    judged = frame(spark, JUDGED, [("p1", MIDNIGHT, "b", "w1", 2.0, "new", False, True, "f", [])])
    row = lookups(POOLS, judged, None, {})["weir_is_known"].collect()[0]
    assert tuple(row) == (1, 1)


@pytest.mark.parametrize(
    ("usual", "records", "files", "holds"),
    [
        ([100.0, 100.0], 1, 1, True),  # too few batches to know
        ([100.0, 90.0, 1000.0], 50, 1, True),
        ([100.0, 90.0, 1000.0], 49, 1, False),
        ([100.0, 90.0, 1000.0], 201, 1, False),
        ([100.0, 90.0, 1000.0], 200, 2, True),
        ([100.0, 90.0, 1000.0], 0, 1, False),
    ],
)
def test_the_volume_is_that_of_a_file_against_the_median_of_earlier_batches(usual, records, files, holds):
    delivery = replace(DELIVERY, usual=usual, records=records, files=files)
    results = checks(POOLS, delivery, [], {})
    (check,) = [check for check in results if check.expectation == "pools_are_as_many_as_usual"]
    assert (check.holds, check.observed) == (holds, records / files)
    told = f"pools: rows break pools_are_as_many_as_usual ({records / files:,.4g}, not 50 to 200 records a file)"
    assert refusal(POOLS, results) == ("" if holds else told)
