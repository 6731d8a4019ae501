"""The choice among learners, by what they said of rows that they were not fitted on."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import mean_squared_error

from tests.quality.choice import best_mean, told
from tests.quality.tabular import Learner

RIGHT = np.array([1.0, 2.0, 3.0])


def test_a_mean_of_two_that_err_opposite_ways_is_better_than_either():
    said = {"above": RIGHT + 1.0, "below": RIGHT - 1.0, "far": RIGHT + 9.0}
    assert best_mean([RIGHT], [said], mean_squared_error) == ("above", "below")


def test_one_alone_where_another_only_harms_it():
    assert best_mean([RIGHT], [{"far": RIGHT + 9.0, "near": RIGHT + 0.1}], mean_squared_error) == ("near",)


def test_all_parts_count():
    """On the first part alone, or the second, another would be chosen."""
    said = [{"a": RIGHT, "b": RIGHT + 1.0, "c": RIGHT + 4.0}, {"a": RIGHT + 4.0, "b": RIGHT + 1.0, "c": RIGHT}]
    assert best_mean([RIGHT, RIGHT], said, mean_squared_error) == ("b",)


def test_a_learner_is_told_with_its_parameters():
    assert told(Learner("xgboost", {"rounds": 400, "max_depth": 4})) == "xgboost (rounds 400, max_depth 4)"
    assert told(Learner("linear")) == "linear"
