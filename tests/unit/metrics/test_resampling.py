"""Draws of periods in blocks: what they hold, how long blocks are, and that intervals cover as often as they say."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from pipelines.metrics.comparison import Compared
from pipelines.metrics.resampling import block_length, drawn, groups, groups_of, interval, periods, shortest_length
from tests.backtests import IS_LATE
from tests.toy_domains.mill.domain import DOMAIN

HOUR_US = 3_600_000_000


def test_a_period_is_a_day_where_there_are_twenty_and_else_an_hour():
    days = np.array([0, 0, *range(24, 24 * 21, 24)], np.int64)  # twenty days, the first one twice
    assert periods(days * HOUR_US).tolist() == [0, 0, *range(1, 20 + 1)][: len(days)]
    few = np.array([30, 5, 5, 7], np.int64)
    assert periods(few * HOUR_US).tolist() == [2, 0, 0, 1]


def test_rows_without_a_time_are_grouped_by_chance_in_equal_groups():
    assert sorted(groups(3).tolist()) == [0, 1, 2]
    assert np.bincount(groups(1500)).tolist() == [3] * 500
    assert groups(1500).tolist() != sorted(groups(1500).tolist())


def test_rows_of_one_name_are_in_one_group():
    names = np.array([f"n{n % 700}" for n in range(2100)], dtype=object)
    found = groups_of(names)
    assert [len(set(found[names == name])) for name in ("n0", "n9", "n699")] == [1, 1, 1]
    assert sorted(set(np.bincount(found).tolist())) == [3, 6]


def test_every_draw_has_as_many_periods_as_there_are_and_is_the_same_again():
    draws = drawn(7, 2, draws=50)
    assert draws.counts.shape == (50, 7) and set(draws.counts.sum(axis=1)) == {7.0}
    assert draws.blocks == 3.5
    assert (draws.counts == drawn(7, 2, draws=50).counts).all()
    assert draws.counts.mean(axis=0) == pytest.approx(np.ones(7), abs=0.5)


def test_a_block_of_all_periods_is_the_whole_line_once_round():
    assert (drawn(9, 9, draws=20).counts == 1.0).all()


def test_the_mean_of_independent_periods_deviates_as_theory_says():
    values = np.arange(40.0)
    means = drawn(40, 1).counts @ values / 40
    assert means.std() == pytest.approx(values.std() / math.sqrt(40), rel=0.05)


def test_the_block_of_a_series_that_remembers_is_as_long_as_its_formula_says():
    chance, rho, count = np.random.default_rng(3), 0.5, 20_000
    series = np.zeros(count)
    for at in range(1, count):
        series[at] = rho * series[at - 1] + chance.normal()
    # of an autoregression of order one: (2ρ / (1 − ρ²))^(2/3) · n^(1/3)
    theory = (2 * rho / (1 - rho**2)) ** (2 / 3) * count ** (1 / 3)
    assert shortest_length(series) == pytest.approx(theory, rel=0.15)
    assert block_length(series) == round(3 * shortest_length(series))


def test_a_series_without_memory_or_change_needs_no_blocks():
    assert shortest_length(np.random.default_rng(4).normal(size=400)) < 3.0
    assert shortest_length(np.full(50, 3.0)) == shortest_length(np.array([1.0, 2.0])) == 1.0


def test_a_block_is_a_quarter_of_all_periods_at_most():
    assert block_length(np.arange(40.0)) == 10
    assert block_length(np.array([1.0, 2.0])) == 1


def test_an_interval_is_stretched_as_students_t_with_so_many_blocks():
    found = np.linspace(-1.0, 1.0, 100_001)
    stretch = math.sqrt(10 / 9) * stats.t.ppf(0.975, 9) / stats.norm.ppf(0.975)
    assert interval(0.0, found, 10.0) == pytest.approx((-0.95 * stretch, 0.95 * stretch))
    assert interval(0.0, found, 1e9) == pytest.approx((-0.95, 0.95), abs=1e-6)
    low, high = interval(0.5, found, 10.0)  # what is skewed stays so
    assert (low, high) == pytest.approx((0.5 - 1.45 * stretch, 0.5 + 0.45 * stretch))


def test_an_interval_of_one_block_or_of_what_is_mostly_undefined_is_none():
    assert all(map(math.isnan, interval(1.0, np.ones(10), 1.5)))
    assert all(map(math.isnan, interval(1.0, np.array([1.0, math.nan, math.nan]), 10.0)))


SEEDS, DAYS = 200, 90
FLOW = replace(DOMAIN.tasks[0], steps=2, families=("seasonal_naive", "linear"), params={})
CUTS = pa.array([datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=d) for d in range(DAYS) for _ in range(2)])


def as_good_as(seed: int, worse: float = 1.0) -> dict[str, float]:
    """The intervals of a family whose errors are those of the naive one but for chance, times `worse`: both meet the
    same weather, which lasts, and each has a mood of its own, which lasts too."""
    chance = np.random.default_rng(seed)
    lasting = np.zeros((3, DAYS))
    for day in range(1, DAYS):
        lasting[:, day] = 0.6 * lasting[:, day - 1] + chance.normal(size=3)
    weather, *moods = lasting
    rows = {}
    for family, mood, factor in zip(FLOW.families, moods, (1.0, worse), strict=True):
        scale = factor * np.exp(0.3 * weather + 0.3 * mood)
        error = (scale[:, None] * chance.normal(size=(DAYS, 2))).ravel()
        outputs = dict.fromkeys(FLOW.outputs, error)
        rows[family] = pa.table({"cut_at": CUTS, "actual": np.zeros(2 * DAYS), **outputs})
    return Compared.of(rows, FLOW, "linear").intervals("linear")


def test_intervals_of_the_difference_of_equally_good_models_cover_zero_at_the_nominal_rate():
    """95 in 100: of 200 seeds 190, give or take three deviations of the binomial, √(200 · 0.95 · 0.05) = 3.08."""
    found = [as_good_as(seed) for seed in range(SEEDS)]
    for name in ("mae_minus_naive", "mae_skill"):
        covering = sum(of[f"{name}_low"] <= 0.0 <= of[f"{name}_high"] for of in found)
        assert abs(covering - 0.95 * SEEDS) <= 3 * math.sqrt(SEEDS * 0.95 * 0.05), (name, covering)


def test_the_interval_of_the_difference_of_a_clearly_worse_model_is_above_zero():
    found = [as_good_as(seed, worse=1.8) for seed in range(20)]
    assert sum(of["mae_minus_naive_low"] > 0.0 for of in found) >= 18
    assert all(of["mae_low"] < of["mae_high"] for of in found)


def test_intervals_of_an_order_and_of_a_share_are_as_long_as_theory_says():
    """Of 2,000 rows that have nothing to do with each other: the AUC's by DeLong, DeLong and Clarke-Pearson (1988), the
    accuracy's by the binomial; the difference from a constant's AUC, which is always a half, has the same."""
    chance = np.random.default_rng(11)
    actual = (chance.random(2000) < 0.3) + 0.0
    probability = 1.0 / (1.0 + np.exp(-(2.0 * actual - 1.5 + chance.normal(size=2000))))
    families = {"linear": probability, "base_rate": np.full(2000, 0.3)}
    rows = {family: pa.table({"actual": actual, "probability": of}) for family, of in families.items()}
    found = Compared.of(rows, IS_LATE, "linear").intervals("linear")
    ones, zeros = probability[actual == 1.0], probability[actual == 0.0]
    is_above = ones[:, None] > zeros
    deviation = math.sqrt(
        is_above.mean(axis=1).var(ddof=1) / len(ones) + is_above.mean(axis=0).var(ddof=1) / len(zeros)
    )
    for name in ("auc", "auc_minus_naive"):
        assert found[f"{name}_high"] - found[f"{name}_low"] == pytest.approx(2 * 1.96 * deviation, rel=0.1)
    right = float(((probability >= 0.5) == actual).mean())
    assert found["accuracy"] == right
    length = found["accuracy_high"] - found["accuracy_low"]
    assert length == pytest.approx(2 * 1.96 * math.sqrt(right * (1.0 - right) / 2000), rel=0.1)
    assert "base_rate_minus_naive" not in found
