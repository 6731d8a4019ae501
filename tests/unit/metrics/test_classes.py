"""What several classes' probabilities are worth, by numbers worked out by hand and by scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score

from pipelines.metrics import classes

ACTUAL = np.array([0.0, 1.0, 2.0, 2.0, np.nan, 1.0])
GIVEN = np.array(
    [
        [0.7, 0.2, 0.1],
        [0.5, 0.4, 0.1],
        [0.1, 0.1, 0.8],
        [0.0, 0.5, 0.5],  # a tie: the first
        [0.0, 0.0, 1.0],  # of what is unknown
        [0.2, 0.6, 0.2],
    ]
)


def test_three_of_five_are_named_rightly():
    assert classes.accuracy(ACTUAL, GIVEN) == pytest.approx(0.6)


def test_the_log_loss_is_the_mean_of_the_five_surprises():
    by_hand = -(math.log(0.7) + math.log(0.4) + math.log(0.8) + math.log(0.5) + math.log(0.6)) / 5
    assert classes.log_loss(ACTUAL, GIVEN) == pytest.approx(by_hand)


def test_the_brier_score_is_the_mean_squared_distance():
    by_hand = (0.09 + 0.04 + 0.01) + (0.25 + 0.36 + 0.01) + (0.01 + 0.01 + 0.04) + (0.25 + 0.25) + (0.04 + 0.16 + 0.04)
    assert classes.brier(ACTUAL, GIVEN) == pytest.approx(by_hand / 5)


def test_the_macro_f1_counts_every_class_alike():
    # class 0: precision 1/2, recall 1; class 1: 1/2 and 1/2; class 2: 1 and 1/2
    assert classes.macro_f1(ACTUAL, GIVEN) == pytest.approx((2 / 3 + 1 / 2 + 2 / 3) / 3)
    known = ~np.isnan(ACTUAL)
    second = f1_score(ACTUAL[known], GIVEN[known].argmax(axis=1), average="macro")
    assert classes.macro_f1(ACTUAL, GIVEN) == pytest.approx(second)


def test_the_calibration_error_is_that_of_the_named_classes():
    # named with .7 (right), .5 (wrong), .8 (right), .5 (wrong), .6 (right): a group each but the two of .5
    by_hand = (abs(1 - 0.7) + 2 * abs(0 - 0.5) + abs(1 - 0.8) + abs(1 - 0.6)) / 5
    assert classes.calibration_error(ACTUAL, GIVEN) == pytest.approx(by_hand)


def test_the_table_of_what_was_taken_for_what():
    assert classes.confusion(ACTUAL, GIVEN).tolist() == [[1, 0, 0], [1, 1, 0], [0, 1, 1]]


def test_a_missing_probability_makes_a_metric_nan():
    given = GIVEN.copy()
    given[0, 1] = np.nan
    assert all(math.isnan(of(ACTUAL, given)) for of in (classes.accuracy, classes.log_loss, classes.macro_f1))


def test_no_known_label_is_an_error():
    with pytest.raises(ValueError, match="no row has an actual value"):
        classes.accuracy(np.array([np.nan]), np.array([[0.5, 0.5]]))
