"""What acting on a row came to: the policy's action beside the one that takes the point."""

from __future__ import annotations

import pytest

from pipelines.contracts.policies import Assigning
from pipelines.contracts.tasks import Classify, Events, Promote
from pipelines.domains import domain, policy, policy_if_any
from pipelines.transforms.worth import with_worth
from tests.frames import frame, rows
from tests.toy_domains.mill.domain import SPLIT

ENERGY = domain("energy")


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


def test_a_domain_without_such_a_policy_prices_nothing():
    assert policy_if_any(ENERGY, "unheard_of") is None
