"""What acting on a row came to: the policy's action beside the one that takes the point."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.contracts.policies import Assigning
from pipelines.contracts.tasks import Classify, Events, Promote
from pipelines.domains import domain, policy, policy_if_any
from pipelines.transforms.worth import with_worth
from tests.frames import frame, rows
from tests.toy_domains.mill.domain import SPLIT

ENERGY, LOGISTICS = domain("energy"), domain("logistics")


def test_a_volume_is_priced_by_what_was_missing_and_spare(spark):
    predictions = frame(spark, "actual double, q10 double, q50 double, q90 double", [(4500.0, 4000.0, 4400.0, 4800.0)])
    by = policy(ENERGY, "contract_volume")
    # the quantile 0.75 is 4,650: 150 MW spare for half an hour at 30; the point is 100 MW short at 90
    assert rows(with_worth(predictions, ENERGY.tasks[0], by).select("value", "naive_value")) == [
        (pytest.approx(0.5 * 150 * 30), pytest.approx(0.5 * 100 * 90))
    ]


def test_a_class_is_priced_by_the_mistake_that_was_made(spark):
    task = Classify(
        column="kind",
        table="works",
        spine=Events("works", entity="work_id"),
        classes=("good", "bad"),
        views=(),
        families=("constant",),
        split=SPLIT,
        promote=Promote("log_loss", "constant", by=0.0),
        decide="sort",
    )
    dear = Assigning("sort", "is_sorted", "EUR", lambda treated, actual: 10.0 * (treated == "good" != actual))
    given = [(1.0, 0.9, 0.1), (1.0, 1.0, 0.0)]  # both are bad; only of the second is the net sure that it is good
    predictions = frame(spark, "actual double, probability_good double, probability_bad double", given)
    assert rows(with_worth(predictions, task, dear).select("value")) == [(0.0,), (10.0,)]


def test_what_is_picked_is_worth_what_it_saved_and_all_else_nothing(spark):
    """One measure a day, which prevents 600 USD of a late leg and costs 180."""
    task, protect = LOGISTICS.task("is_late"), replace(policy(LOGISTICS, "protect"), limit=1.0)
    given = [
        ("A", "2013-10-01 10:00", 1.0, 0.9),
        ("B", "2013-10-01 11:00", 1.0, 0.8),  # the day's measure is spent
        ("C", "2013-10-02 10:00", 0.0, 0.95),
        ("D", "2013-10-03 10:00", 1.0, 0.1),  # would cost more than it is expected to save
        ("E", "2013-10-04 10:00", 1.0, None),
    ]
    predictions = frame(spark, "leg_id string, cut_at timestamp, actual double, probability double", given)
    found = with_worth(predictions, task, protect)
    assert found.columns == [*predictions.columns, "value", "naive_value"]
    assert rows(found.select("leg_id", "value", "naive_value"), "leg_id") == [
        ("A", 420.0, 420.0),
        ("B", 0.0, 0.0),
        ("C", -180.0, -180.0),
        ("D", 0.0, 0.0),
        ("E", 0.0, 0.0),
    ]


def test_a_domain_without_such_a_policy_prices_nothing():
    assert policy_if_any(ENERGY, "unheard_of") is None
