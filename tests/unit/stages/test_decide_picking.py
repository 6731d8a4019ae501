"""From probabilities to what is picked to what that was worth, on literal rows: by day, and once for all."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.domains import domain as domain_named
from pipelines.domains import policy
from pipelines.stages.act import messages
from pipelines.stages.decide import decide
from pipelines.stages.observe import realised, totals
from tests.frames import frame, rows

LOGISTICS, FINANCE = domain_named("logistics"), domain_named("finance")
IS_LATE, IS_BAD = LOGISTICS.task("is_late"), FINANCE.task("is_bad")
PROTECT = replace(policy(LOGISTICS, "protect"), limit=2.0)
GRANT = replace(policy(FINANCE, "grant"), limit=100_000.0)


def predicted(spark, entity: str, of: list[tuple]):
    """of: entity, cut-off, probability, the baseline's."""
    return frame(
        spark,
        f"{entity} string, cut_at timestamp, step int, target_at timestamp, probability double, baseline double, "
        "model string, model_version int, run_id string",
        [(name, at, 1, at, probability, naive, "model", 1, "run") for name, at, probability, naive in of],
    )


def labels(spark, entity: str, label: str, of: list[tuple]):
    """of: entity, label, until when it held."""
    return frame(
        spark,
        f"{entity} string, at timestamp, known_at timestamp, known_until timestamp, {label} double",
        [(name, "2013-10-01 00:00", "2013-10-05 00:00", until, value) for name, value, until in of],
    )


# A measure is expected to save 600 USD times the probability, less the 180 that it costs; there are two a day.
LEGS = [
    ("A", "2013-10-01 10:00", 0.9, 0.4),
    ("B", "2013-10-01 11:00", 0.2, 0.4),  # would cost more than it saves
    ("C", "2013-10-01 12:00", 0.5, 0.4),
    ("Dusk", "2013-10-02 03:00", 0.8, 0.4),  # still the first day in New York; no room is left
    ("E", "2013-10-02 10:00", 0.79, 0.4),  # yesterday had room for the two best, down to 0.8
    ("F", "2013-10-02 11:00", 0.8, 0.4),
    ("G", "2013-10-02 12:00", None, 0.4),
    ("H", "2013-10-02 13:00", 0.95, 0.4),
]


@pytest.fixture(scope="module")
def protected(spark):
    legs = predicted(spark, "leg_id", LEGS)
    return decide(LOGISTICS, IS_LATE, PROTECT, legs, legs, None, attempt=9).frame.localCheckpoint()


def test_legs_are_picked_as_they_come_by_what_the_day_before_has_taught(protected):
    shown = protected.select("leg_id", "is_protected", "naive_is_protected", "policy", "task", "_attempt")
    assert [row[:3] for row in rows(shown, "leg_id")] == [
        ("A", True, True),
        ("B", False, True),  # the baseline thinks alike of all: the first two of a day
        ("C", True, False),
        ("Dusk", False, False),
        ("E", False, True),
        ("F", True, True),
        ("H", True, False),
    ]
    assert {row[3:] for row in rows(shown)} == {("protect", "is_late", 9)}


def test_a_pick_is_worth_what_it_saved_and_foresight_is_the_best_of_each_day(spark, protected):
    known = [("A", 1.0, None), ("B", 1.0, "2013-10-06 00:00"), ("B", 0.0, None), ("C", 0.0, None), ("Dusk", 1.0, None)]
    known += [("E", 1.0, None), ("F", 1.0, None), ("H", None, None)]  # H was cancelled: there is no answer
    change = realised(LOGISTICS, IS_LATE, PROTECT, protected, labels(spark, "leg_id", "is_late", known))
    assert (change.table, change.how) == ("gold.logistics_is_late_realised", "overwrite")
    shown = change.frame.select("leg_id", "actual", "value", "naive_value", "foresight_value")
    assert rows(shown, "leg_id") == [
        ("A", 1.0, 420.0, 420.0, 420.0),
        ("B", 0.0, 0.0, -180.0, 0.0),
        ("C", 0.0, -180.0, 0.0, 0.0),
        ("Dusk", 1.0, 0.0, 0.0, 420.0),
        ("E", 1.0, 0.0, 420.0, 420.0),
        ("F", 1.0, 420.0, 420.0, 420.0),
    ]
    assert rows(totals(change.frame)) == [(660.0, 1080.0, 1680.0)]


def test_only_what_is_picked_leaves(protected):
    made = messages(LOGISTICS, IS_LATE, PROTECT, protected.toArrow().to_pylist())
    assert [(message.key, message.text.count("\n")) for message in made] == [
        (f"logistics/is_late/{day}/00000009", 2) for day in ("2013-10-01", "2013-10-02")
    ]


def test_deciding_again_adds_what_is_new_and_changes_nothing(spark, protected):
    late = [("Z", "2013-10-01 09:00", 0.99, 0.4)]  # comes before all of its day, whose measures are spent
    # the bar is now the mean of 0.9 and 0.8, since Z would have been one of the best two of the first day
    next_day = [("X", "2013-10-03 10:00", 0.84, 0.2), ("Y", "2013-10-03 10:00", 0.86, 0.4)]
    legs = predicted(spark, "leg_id", LEGS + late + next_day)
    more = decide(LOGISTICS, IS_LATE, PROTECT, legs, legs, protected, attempt=10).frame.localCheckpoint()
    shown = more.select("leg_id", "is_protected", "naive_is_protected", "_attempt")
    assert rows(shown, "leg_id") == [("X", False, False, 10), ("Y", True, True, 10), ("Z", False, False, 10)]
    all_held = protected.unionByName(more)
    assert rows(decide(LOGISTICS, IS_LATE, PROTECT, legs, legs, all_held, attempt=11).frame) == []


# A loan of 100 USD for three years at 10 % a year earns 16.5, and costs 60 if it goes bad.
LOANS = {"L1": 60_000.0, "L2": 40_000.0, "L3": 10_000.0, "L4": 50_000.0, "L5": 1_000.0}
SAID = (
    "loan_id string, cut_at timestamp, funded_usd__own double, term_months__own double, interest_rate_pct__own double"
)


@pytest.fixture(scope="module")
def applications(spark):
    return frame(spark, SAID, [(loan, "2016-01-01 00:00", usd, 36.0, 10.0) for loan, usd in LOANS.items()])


@pytest.fixture(scope="module")
def granted(spark, applications):
    loans = predicted(
        spark,
        "loan_id",
        [(loan, "2016-01-01 00:00", bad, 0.1) for loan, bad in (("L1", 0.1), ("L2", 0.05), ("L3", 0.0))],
    )
    return decide(FINANCE, IS_BAD, GRANT, loans, applications, None, attempt=1).frame.localCheckpoint()


def test_loans_are_granted_while_there_is_capital_best_first(granted):
    shown = granted.select("loan_id", "is_granted", "naive_is_granted", "funded_usd__own")
    assert rows(shown, "loan_id") == [
        ("L1", False, True, 60_000.0),
        ("L2", True, True, 40_000.0),
        ("L3", True, False, 10_000.0),
    ]


def test_what_a_loan_earned_or_lost(spark, granted):
    outcomes = labels(spark, "loan_id", "is_bad", [("L1", 0.0, None), ("L2", 1.0, None), ("L3", 0.0, None)])
    change = realised(FINANCE, IS_BAD, GRANT, granted, outcomes)
    assert [
        row[1:] for row in rows(change.frame.select("loan_id", "value", "naive_value", "foresight_value"), "loan_id")
    ] == [
        (0.0, pytest.approx(9_900.0), pytest.approx(9_900.0)),
        (-24_000.0, -24_000.0, 0.0),
        (pytest.approx(1_650.0), 0.0, pytest.approx(1_650.0)),
    ]


def test_capital_is_lent_once(spark, applications, granted):
    """L4 is better than L2, but half of the capital is lent already, and a thousand goes to L5."""
    of = [("L1", 0.1), ("L2", 0.05), ("L3", 0.0), ("L4", 0.02), ("L5", 0.01)]
    loans = predicted(spark, "loan_id", [(loan, "2016-01-01 00:00", bad, 0.1) for loan, bad in of])
    more = decide(FINANCE, IS_BAD, GRANT, loans, applications, granted, attempt=2).frame
    assert rows(more.select("loan_id", "is_granted"), "loan_id") == [("L4", False), ("L5", True)]
    anew = decide(FINANCE, IS_BAD, GRANT, loans, applications, None, attempt=2).frame
    assert rows(anew.where("is_granted").select("loan_id"), "loan_id") == [("L3",), ("L4",), ("L5",)]
