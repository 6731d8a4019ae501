import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, f1_score

from pipelines.metrics.ranking import (
    accuracy,
    auc,
    average_precision,
    base_rate,
    brier,
    calibration_error,
    f1,
    log_loss,
    recall_at,
)

# by falling probability: 1, 0, 1, 0; the last row has no label yet
ACTUAL = np.array([0.0, 1.0, 0.0, 1.0, np.nan])
PROBABILITY = np.array([0.5, 0.8, 0.2, 0.25, np.nan])
ALL = (auc, average_precision, log_loss, brier, accuracy, f1, calibration_error)


def test_auc_is_the_part_of_pairs_in_the_right_order():
    assert auc(ACTUAL, PROBABILITY) == pytest.approx(3 / 4)  # of four pairs, (0.25, 0.5) is wrong
    assert auc(np.array([1.0, 0.0]), np.array([0.3, 0.3])) == 0.5


def test_average_precision_is_the_mean_precision_at_each_1():
    assert average_precision(ACTUAL, PROBABILITY) == pytest.approx((1 / 1 + 2 / 3) / 2)


def test_probabilities_that_do_not_differ_reach_the_base_rate():
    assert average_precision(ACTUAL, np.full(5, 0.1)) == base_rate(ACTUAL) == 0.5


def test_log_loss_and_brier_price_the_distance_from_what_came():
    told = [0.5, 0.8, 0.8, 0.25]  # the probability of what came
    assert log_loss(ACTUAL, PROBABILITY) == pytest.approx(-sum(map(math.log, told)) / 4)
    assert brier(ACTUAL, PROBABILITY) == pytest.approx((0.25 + 0.04 + 0.04 + 0.5625) / 4)


def test_a_wrong_certainty_has_a_finite_price():
    assert 36 < log_loss(np.array([1.0]), np.array([0.0])) < 37


@pytest.mark.parametrize("metric", ALL)
def test_a_model_that_leaves_out_a_row_has_nothing_to_show(metric):
    assert math.isnan(metric(np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.1, np.nan])))


@pytest.mark.parametrize("metric", [auc, average_precision])
@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_alone_has_no_order(metric, label):
    with pytest.raises(ValueError, match=f"all 2 labels are {label:g}, so there is no order to judge"):
        metric(np.array([label, label, np.nan]), np.array([0.1, 0.2, 0.3]))


def test_one_class_alone_still_has_its_losses():
    assert log_loss(np.zeros(2), np.array([0.5, 0.5])) == pytest.approx(math.log(2))
    assert brier(np.ones(2), np.array([0.5, 1.0])) == pytest.approx(0.125)


@pytest.mark.parametrize("metric", ALL)
def test_nothing_to_compare_with_is_refused(metric):
    with pytest.raises(ValueError, match="no row has an actual value"):
        metric(np.array([np.nan]), np.array([1.0]))
    with pytest.raises(ValueError, match=r"\(2,\) actual values for \(1,\) predictions"):
        metric(np.array([1.0, 0.0]), np.array([1.0]))


def test_recall_of_the_greatest_scores_counts_ties_in_part():
    actual = np.array([1.0, 0.0, 1.0, 0.0, 0.0, np.nan])
    score = np.array([0.9, 0.8, 0.5, 0.5, 0.1, 1.0])
    assert recall_at(actual, score, 0.2) == pytest.approx(0.5)  # one of five rows: the first
    assert recall_at(actual, score, 0.6) == pytest.approx(0.75)  # three: the third is one of two alike
    assert recall_at(actual, score, 1.0) == pytest.approx(1.0)


def test_half_and_more_is_named_1():
    # named: 1, 1, 0, 0 of the labels 0, 1, 0, 1
    named, labels = [1, 1, 0, 0], [0, 1, 0, 1]
    assert accuracy(ACTUAL, PROBABILITY) == pytest.approx(2 / 4) == accuracy_score(labels, named)
    assert f1(ACTUAL, PROBABILITY) == pytest.approx(2 * 1 / (2 + 2)) == f1_score(labels, named)
    assert f1(np.zeros(2), np.zeros(2)) == 0.0


def test_the_calibration_error_is_the_mean_gap_of_the_tenths():
    # 20 rows in ten pairs told 0.05, 0.15 …; the pairs from 0.55 on came true in full, the others never
    told = np.repeat(np.arange(10) / 10 + 0.05, 2)
    came = (told > 0.5) + 0.0
    by_hand = (0.05 + 0.15 + 0.25 + 0.35 + 0.45) * 2 / 10
    assert calibration_error(came, told) == pytest.approx(by_hand)
    assert calibration_error(np.array([1.0, 0.0, 0.0, 0.0]), np.full(4, 0.25)) == pytest.approx(0.0)
