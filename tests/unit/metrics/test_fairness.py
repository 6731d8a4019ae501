"""Rates by group: by hand, and beside scikit-learn; a planted group that a model treats otherwise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from pipelines.contracts.fairness import Protected
from pipelines.contracts.names import DeclarationError
from pipelines.metrics.fairness import FEWEST, by_group, gaps

GROUP = np.array(["b", "a", "a", "b", "a", "b"])
ACTUAL = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 1.0])
PROBABILITY = np.array([0.9, 0.8, 0.7, 0.2, 0.1, 0.3])


def test_rates_of_two_groups_by_hand():
    a, b = by_group("sex", GROUP, ACTUAL, PROBABILITY, capacity=0.5)  # the first three are picked
    assert (a.column, a.group, a.rows, b.group, b.rows) == ("sex", "a", 3, "b", 3)
    assert (a.base_rate, b.base_rate) == (1 / 3, 2 / 3)
    assert (a.selection_rate, b.selection_rate) == (2 / 3, 1 / 3)
    assert (a.true_positive_rate, b.true_positive_rate) == (1.0, 0.5)
    assert (a.false_positive_rate, b.false_positive_rate) == (0.5, 0.0)
    assert (a.mean_probability, b.mean_probability) == pytest.approx((1.6 / 3, 1.4 / 3))
    assert (a.calibration_error, b.calibration_error) == pytest.approx((0.2, 0.2))


def test_who_tells_all_alike_picks_all_alike():
    rows = by_group("sex", GROUP, ACTUAL, np.full(6, 0.4), capacity=0.25)
    assert [(of.selection_rate, of.true_positive_rate, of.false_positive_rate) for of in rows] == [
        (0.25, 0.25, 0.25)
    ] * 2


def test_a_rate_of_no_rows_is_none():
    (only,) = by_group("sex", np.array(["a", "a"]), np.ones(2), np.array([0.3, 0.6]), capacity=0.5)
    assert (only.true_positive_rate, math.isnan(only.false_positive_rate)) == (0.5, True)


def drawn(rows: int = 8000, lift: float = 0.0):
    """Groups u and v with equal labels; the model tells v `lift` more than it should."""
    chance = np.random.default_rng(11)
    group = np.where(np.arange(rows) % 2 == 0, "u", "v")
    risk = chance.uniform(0.0, 0.6, rows)
    actual = (chance.uniform(size=rows) < risk).astype(float)
    return group, actual, risk + lift * (group == "v")


def test_rates_are_those_of_the_confusion_matrix():
    group, actual, probability = drawn(lift=0.1)
    picked = probability >= np.sort(probability)[::-1][1599]
    for of in by_group("region", group, actual, probability, capacity=0.2):
        among = group == of.group
        tn, fp, fn, tp = confusion_matrix(actual[among], picked[among]).ravel()
        assert of.true_positive_rate == pytest.approx(tp / (tp + fn))
        assert of.false_positive_rate == pytest.approx(fp / (fp + tn))
        assert of.selection_rate == pytest.approx((tp + fp) / among.sum())


def test_a_planted_group_is_found_by_every_gap():
    fair, unfair = ({gap.of: gap for gap in gaps(by_group("region", *drawn(lift=of), 0.2))} for of in (0.0, 0.2))
    assert set(fair) == {"selection_rate", "true_positive_rate", "false_positive_rate", "calibration_error"}
    for of, gap in unfair.items():
        assert fair[of].size < 0.06 < 0.15 < gap.size
        assert (gap.column, gap.low, gap.high) == ("region", "u", "v")


def test_groups_of_few_rows_make_no_gap():
    group = np.array(["u"] * FEWEST + ["v"] * FEWEST + ["w"])
    actual = np.r_[np.tile([0.0, 1.0], FEWEST), 1.0]
    found = list(gaps(by_group("region", group, actual, np.r_[np.full(2 * FEWEST, 0.5), 0.9], 0.5)))
    assert {(gap.low, gap.high) for gap in found} <= {("u", "u"), ("u", "v"), ("v", "u")} and found
    assert list(gaps(by_group("region", group[-2:], actual[-2:], np.ones(2), 0.5))) == []


@pytest.mark.parametrize(
    ("most", "said"),
    [({"parity": 0.1}, "no gap 'parity'; there are: selection_rate,"), ({"selection_rate": 2.0}, "from 0 to 1")],
)
def test_a_gap_that_cannot_be_is_refused_where_it_is_declared(most, said):
    with pytest.raises(DeclarationError, match=said):
        Protected("sex", most)
