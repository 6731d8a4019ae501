"""The simulator of payments: the same for the same seed, and frauds by its three patterns alone."""

from __future__ import annotations

import tracemalloc
from collections import defaultdict
from dataclasses import fields, replace
from itertools import islice

import numpy as np
import pytest

from pipelines.domains.finance import payments
from pipelines.domains.finance.payments import CARD_DAYS, LIMIT_CENTS, TERMINAL_DAYS, simulate


@pytest.fixture(scope="module")
def half_year():
    return list(simulate(1.0, seed=7))


def is_same(day, other) -> bool:
    return all(np.array_equal(getattr(day, f.name), getattr(other, f.name)) for f in fields(day))


def test_the_same_scale_and_seed_give_the_same_days():
    assert all(map(is_same, simulate(0.1, seed=3), simulate(0.1, seed=3)))


def test_another_seed_gives_other_days():
    (day,), (other,) = (list(islice(simulate(0.1, seed=seed), 1)) for seed in (3, 4))
    assert not is_same(replace(day, on=other.on), other)


def test_a_day_needs_none_of_the_days_before_it(half_year):
    world = payments._world(1.0, 7)
    assert is_same(payments._day(world, 1.0, 7, 100), half_year[100])


def test_half_a_year_has_300_000_payments_of_which_one_in_a_hundred_or_a_little_less_is_a_fraud(half_year):
    count = sum(len(day.second) for day in half_year)
    frauds = sum(int((day.pattern > 0).sum()) for day in half_year)
    assert (half_year[0].on.isoformat(), half_year[-1].on.isoformat(), len(half_year)) == (
        "2018-04-01",
        "2018-09-30",
        183,
    )
    assert (count, frauds) == (302_543, 2_614)


def test_a_day_is_in_order_and_within_the_day(half_year):
    for day in half_year:
        assert (np.diff(day.second) >= 0).all() and day.second.min() >= 0 and day.second.max() < 86_400
        assert day.amount_cents.min() >= 1


def test_every_amount_above_the_limit_is_a_fraud(half_year):
    for day in half_year:
        assert (day.pattern[day.amount_cents > LIMIT_CENTS] > 0).all()
        assert (day.amount_cents[day.pattern == 1] > LIMIT_CENTS).all()


def test_every_payment_at_a_compromised_terminal_is_a_fraud_for_28_days(half_year):
    frauds_on = defaultdict(set)
    for n, day in enumerate(half_year):
        for terminal in day.terminal[day.pattern == 2].tolist():
            frauds_on[terminal].add(n)
            assert (day.pattern[day.terminal == terminal] > 0).all()
    assert len(frauds_on) > 20
    once = [days for days in frauds_on.values() if max(days) - min(days) < TERMINAL_DAYS]
    assert len(once) > 0.8 * len(frauds_on)  # the others were compromised again


def test_a_third_of_a_compromised_cards_payments_are_frauds_at_five_times_the_amount_for_14_days(half_year):
    first, last = defaultdict(lambda: 999), defaultdict(int)
    for n, day in enumerate(half_year):
        for customer in day.customer[day.pattern == 3].tolist():
            first[customer], last[customer] = min(first[customer], n), max(last[customer], n)
    spans = {customer: last[customer] - first[customer] for customer in first}
    once = [customer for customer, span in spans.items() if span < CARD_DAYS]
    assert len(once) > 0.8 * len(spans)
    stolen = [cents for day in half_year for cents in day.amount_cents[day.pattern == 3].tolist()]
    usual = [cents for day in half_year for cents in day.amount_cents[day.pattern == 0].tolist()]
    assert all(cents % 5 == 0 for cents in stolen)
    assert 4 < np.mean(stolen) / np.mean(usual) < 6
    shares = []
    for customer in once:
        days = half_year[first[customer] : last[customer] + 1]
        found = np.concatenate([day.pattern[day.customer == customer] for day in days])
        shares += (found == 3).tolist()
    assert 1 / 3 < np.mean(shares) < 0.5  # above a third: the spans begin and end with a fraud


def test_more_customers_are_streamed_day_by_day():
    tracemalloc.start()
    days = simulate(10.0, seed=1)
    sizes = [len(day.second) for day in islice(days, 12)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 14_000 < np.mean(sizes) < 19_000
    assert peak < 12 * 1_000_000  # a day of 16,000 payments and its temporaries, not twelve
