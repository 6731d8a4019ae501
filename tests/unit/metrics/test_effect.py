"""What decisions changed: sums by hand, the direction of better, and that an effect of zero is not seen."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from pipelines.metrics.effect import by_month, effect

START = datetime(2024, 1, 30, tzinfo=UTC)
SEEDS, DAYS = 200, 90


def decided(value, naive, foresight, at=None) -> pa.Table:
    at = at or [START + timedelta(days=day) for day in range(len(value))]
    columns = {"value": value, "naive_value": naive, "foresight_value": foresight}
    return pa.table({"cut_at": pa.array(at, pa.timestamp("us", tz="UTC")), **columns})


COSTS = decided([5.0, 2.0, 4.0], [8.0, 2.0, 6.0], [1.0, 0.0, 5.0])


def test_what_costs_less_than_the_naive_policy_is_a_gain():
    found = effect(COSTS, higher_is_better=False, has_times=True)
    assert (found.decisions, found.value, found.naive_value, found.foresight_value) == (3, 11.0, 16.0, 6.0)
    assert (found.gain, found.foresight_gain, found.share) == (5.0, 10.0, 0.5)
    assert (found.since, found.until) == (START, START + timedelta(days=2))


def test_where_more_is_better_the_same_sums_are_a_loss():
    found = effect(COSTS, higher_is_better=True, has_times=True)
    assert (found.gain, found.foresight_gain, found.share) == (-5.0, -10.0, None)


def test_months_add_up_to_the_whole():
    months = by_month(COSTS, higher_is_better=False)
    assert [(one.label, one.decisions, one.gain) for one in months] == [("2024-01", 2, 3.0), ("2024-02", 1, 2.0)]


def test_a_single_decision_says_nothing_of_how_sure_it_is():
    found = effect(decided([5.0], [8.0], [1.0]), higher_is_better=False, has_times=True)
    assert math.isnan(found.low) and math.isnan(found.high) and found.verdict == "unsure"


def test_without_decisions_there_is_no_effect():
    assert effect(decided([], [], [], at=[]), higher_is_better=False, has_times=True) is None


def of_chance(seed: int, gain: float):
    """Four decisions a day, what they are worth above the naive policy's lasting from day to day."""
    chance = np.random.default_rng(seed)
    mood = np.zeros(DAYS)
    for day in range(1, DAYS):
        mood[day] = 0.5 * mood[day - 1] + chance.normal()
    naive = np.repeat(chance.normal(10.0, 2.0, DAYS), 4)
    value = naive + gain + np.repeat(mood, 4) + chance.normal(size=4 * DAYS)
    at = [START + timedelta(days=day, hours=6 * part) for day in range(DAYS) for part in range(4)]
    return effect(decided(value, naive, naive + 5.0, at), higher_is_better=True, has_times=True)


def test_a_planted_effect_of_zero_is_covered_at_the_nominal_rate():
    """95 in 100: of 200 seeds 190, give or take three deviations of the binomial, √(200 · 0.95 · 0.05) = 3.08."""
    covering = sum(found.low <= 0.0 <= found.high for found in (of_chance(seed, 0.0) for seed in range(SEEDS)))
    assert abs(covering - 0.95 * SEEDS) <= 3 * math.sqrt(SEEDS * 0.95 * 0.05), covering


@pytest.mark.parametrize(("gain", "verdict"), [(2.0, "better"), (-2.0, "worse")])
def test_a_planted_effect_is_seen(gain, verdict):
    assert [of_chance(seed, gain).verdict for seed in range(20)] == [verdict] * 20


def test_rows_of_a_query_without_times_stand_together():
    """The picks of a query trade one gain for another: alone they would look far less sure than they are."""
    rows = decided([9.0, 0.0] * 50, [0.0, 8.0] * 50, [9.0] * 100).append_column(
        "job", pa.array([f"j{n // 2}" for n in range(100)])
    )
    alone, together = (effect(rows, higher_is_better=True, has_times=False, query=of) for of in ("", "job"))
    assert alone.gain == together.gain == together.low == together.high == 50.0
    assert alone.low < 0.0


def test_rows_without_times_stand_for_themselves():
    chance, at = np.random.default_rng(5), [START] * 400
    naive = chance.normal(size=400)
    found = effect(decided(naive + 1.0, naive, naive + 2.0, at), higher_is_better=True, has_times=False)
    assert (found.low, found.high) == pytest.approx((400.0, 400.0))
    assert found.share == pytest.approx(0.5)
