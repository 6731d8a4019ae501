"""What is picked when not all can be: literal rows, and that nothing which comes later is needed to pick."""

from __future__ import annotations

import random

import pytest
from pyspark.sql import functions as F

from pipelines.transforms.pick import pick_as_they_come, pick_best
from tests.frames import frame, rows

ROWS = "day int, n int, worth double, uses double"


def best(of, limit, within=(), order=("day", "n")):
    found = pick_best(
        of, F.col("worth"), F.col("uses"), limit, within=list(within), order=list(order), into="is_picked"
    )
    assert found.columns == [*[name for name in of.columns if name != "is_picked"], "is_picked"]
    return picked(found)


def come(of, limit):
    day = F.date_add(F.lit("2024-01-01").cast("date"), F.col("day"))
    found = pick_as_they_come(of, F.col("worth"), F.col("uses"), limit, day=day, order=["n"], into="is_picked")
    assert found.columns == [*[name for name in of.columns if name != "is_picked"], "is_picked"]
    return picked(found)


def picked(found) -> list[tuple[int, int]]:
    shown = rows(found.select("day", "n", "is_picked"), "day", "n")
    assert all(is_picked is not None for _, _, is_picked in shown)
    return [(day, n) for day, n, is_picked in shown if is_picked]


def test_the_best_are_picked_as_far_as_the_limit_reaches_and_ties_go_by_order(spark):
    of = frame(spark, ROWS, [(0, 1, 3.0, 1.0), (0, 2, 5.0, 1.0), (0, 3, 3.0, 1.0), (0, 4, 3.0, 1.0), (1, 5, 9.0, 1.0)])
    assert best(of, 3.0) == [(0, 1), (0, 2), (1, 5)]
    assert best(of, 3.9) == [(0, 1), (0, 2), (1, 5)]
    assert best(of, 2.0, within=["day"]) == [(0, 1), (0, 2), (1, 5)]
    assert best(of, 2.0, within=["day"], order=[F.desc("n")]) == [(0, 2), (0, 4), (1, 5)]
    assert best(of, 0.0) == []


def test_what_is_worth_nothing_is_never_picked_and_takes_no_room(spark):
    of = frame(
        spark,
        ROWS,
        [
            (0, 1, 0.0, 1.0),
            (0, 2, -1.0, 1.0),
            (0, 3, None, 1.0),
            (0, 4, float("nan"), 1.0),
            (0, 5, 2.0, None),
            (0, 6, 2.0, 0.0),
            (0, 7, 1.0, 1.0),
        ],
    )
    assert best(of, 1.0) == [(0, 7)]
    assert come(of, 1.0) == [(0, 7)]


def test_what_uses_more_must_be_worth_more(spark):
    """Capital of 100: the greatest worth for what it uses first; where the next does not fit, picking ends."""
    of = frame(
        spark,
        ROWS,
        [(0, 1, 30.0, 60.0), (0, 2, 24.0, 30.0), (0, 3, 9.0, 10.0), (0, 4, 28.0, 61.0), (0, 5, 1.0, 10.0)],
    )
    assert best(of, 100.0) == [(0, 1), (0, 2), (0, 3)]
    assert best(of, 99.0) == [(0, 2), (0, 3)]


def test_on_the_first_day_whatever_gains_is_taken_as_it_comes(spark):
    of = frame(spark, ROWS, [(0, 1, 1.0, 1.0), (0, 2, -5.0, 1.0), (0, 3, 0.5, 1.0), (0, 4, 9.0, 1.0)])
    assert come(of, 2.0) == [(0, 1), (0, 3)]


def test_the_bar_is_what_the_last_row_was_worth_for_which_the_week_before_had_room(spark):
    week = [
        *[(0, n, worth, 1.0) for n, worth in enumerate((9.0, 4.0, 8.0, 2.0))],  # room for two: bar 8
        *[(1, n, worth, 1.0) for n, worth in enumerate((6.0, 7.0, 5.0))],  # bar 6, and of the day before: 8
    ]
    then = [(2, n, worth, 1.0) for n, worth in enumerate((6.9, 7.0, 6.0, 8.0, 9.0))]  # asked: (8 + 6) / 2 = 7
    quiet = [(3, 0, 100.0, 1.0)]  # had room left: bar 0
    later = [(4, n, worth, 1.0) for n, worth in enumerate((5.4, 5.5, 5.6))]  # (8 + 6 + 8 + 0) / 4 = 5.5
    afterwards = [(12, 0, 0.1, 1.0)]  # of the week before there is nothing to learn from
    of = frame(spark, ROWS, [*week, *then, *quiet, *later, *afterwards])
    assert come(of, 2.0) == [(0, 0), (0, 1), (2, 1), (2, 3), (3, 0), (4, 1), (4, 2), (12, 0)]


def test_equal_bars_of_many_days_let_their_equal_through(spark):
    of = frame(spark, ROWS, [(day, n, 0.1, 1.0) for day in range(5) for n in range(3)])
    assert come(of, 2.0) == [(day, n) for day in range(5) for n in range(2)]


def test_bars_and_limits_are_in_what_is_used(spark):
    of = frame(
        spark,
        ROWS,
        [
            *[(0, 1, 20.0, 10.0), (0, 2, 90.0, 30.0), (0, 3, 40.0, 40.0)],  # per use 2, 3, 1: room for the first two
            *[(1, 1, 59.0, 30.0), (1, 2, 60.0, 30.0), (1, 3, 25.0, 10.0)],  # the bar is 2
        ],
    )
    assert come(of, 40.0) == [(0, 1), (0, 2), (1, 2), (1, 3)]


def test_nothing_that_comes_later_changes_what_was_picked(spark):
    """Random days, cut at a random place: what comes after it is taken away, or other rows come."""
    draw = random.Random(3)

    def day(number: int, start: int = 0, count: int = 12):
        return [
            (number, n, draw.choice((draw.uniform(-5, 20), 7.0)), draw.choice((1.0, 1.0, 2.0)))
            for n in range(start, start + count)
        ]

    whole = [row for number in range(10) for row in day(number)]
    before = come(frame(spark, ROWS, whole), 4.0)
    assert len(before) > 15
    for _ in range(6):
        until, place = draw.randrange(10), draw.randrange(12)
        past = [row for row in whole if row[:2] < (until, place)]
        other = [*day(until, start=place, count=9), *day(until + 1)]
        for rest in ([], other):
            found = come(frame(spark, ROWS, draw.sample(past + rest, len(past + rest))), 4.0)
            assert [at for at in found if at < (until, place)] == [at for at in before if at < (until, place)]


@pytest.mark.parametrize("pick", [best, come])
def test_what_was_decided_before_stays_and_its_use_is_gone_first(spark, pick):
    """Rows come late: by themselves they would be the first, but 2 of 3 are spent."""
    of = frame(
        spark,
        f"{ROWS}, is_picked boolean",
        [
            (0, 1, 9.0, 1.0, None),
            (0, 2, 8.0, 1.0, None),
            (0, 3, 1.0, 1.0, True),
            (0, 4, 20.0, 1.0, False),
            (0, 5, -1.0, 1.0, True),
        ],
    )
    assert pick(of, 3.0) == [(0, 1), (0, 3), (0, 5)]
    assert pick(of, 1.0) == [(0, 3), (0, 5)]
