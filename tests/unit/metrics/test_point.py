import math

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_percentage_error, r2_score

from pipelines.metrics.point import bias, mae, mape, mase, r2, rmse, skill, smape

ACTUAL = np.array([1.0, 2.0, np.nan, 4.0])
PREDICTED = np.array([2.0, 2.0, 9.0, 1.0])


def test_errors_count_rows_with_an_actual_value_only():
    assert mae(ACTUAL, PREDICTED) == pytest.approx(4 / 3)
    assert rmse(ACTUAL, PREDICTED) == pytest.approx(math.sqrt(10 / 3))
    assert bias(ACTUAL, PREDICTED) == pytest.approx(-2 / 3)


def test_a_model_that_leaves_out_a_row_has_no_error_to_show():
    assert math.isnan(mae(np.array([1.0, 2.0]), np.array([1.0, np.nan])))


def test_nothing_to_compare_with_is_refused():
    with pytest.raises(ValueError, match="no row has an actual value"):
        mae(np.array([np.nan]), np.array([1.0]))
    with pytest.raises(ValueError, match=r"\(2,\) actual values for \(1,\) predictions"):
        mae(np.array([1.0, 2.0]), np.array([1.0]))


def test_skill_is_the_part_of_the_naive_error_that_is_saved():
    assert (skill(75.0, 100.0), skill(120.0, 100.0), skill(0.0, 0.0)) == (0.25, pytest.approx(-0.2), 0.0)
    assert skill(1.0, 0.0) == -math.inf


def test_r2_is_what_is_left_of_the_spread_around_the_mean():
    # errors 1, 0, −3; the actual values 1, 2, 4 spread 4/3² + 1/3² + 5/3² = 42/9 around 7/3
    assert r2(ACTUAL, PREDICTED) == pytest.approx(1 - 10 / (42 / 9))
    assert r2(ACTUAL, PREDICTED) == pytest.approx(r2_score([1.0, 2.0, 4.0], [2.0, 2.0, 1.0]))
    assert math.isnan(r2(np.array([3.0, 3.0]), np.array([3.0, 4.0])))


def test_percentage_errors_are_shares_of_the_actual_value_and_of_both():
    assert mape(ACTUAL, PREDICTED) == pytest.approx((1 / 1 + 0 + 3 / 4) / 3)
    assert mape(ACTUAL, PREDICTED) == pytest.approx(mean_absolute_percentage_error([1, 2, 4], [2, 2, 1]))
    assert smape(ACTUAL, PREDICTED) == pytest.approx((1 / 1.5 + 0 + 3 / 2.5) / 3)
    assert math.isnan(mape(np.array([0.0, 1.0]), np.array([1.0, 1.0])))
    assert smape(np.array([0.0, 0.0]), np.array([0.0, 5.0])) == pytest.approx((0 + 2) / 2)


def test_the_scaled_error_is_counted_in_errors_of_the_naive_forecast():
    # the train span 3, 5, 4, 8 forecast by its last value: |2|, |−1|, |4|, so 7/3 on average
    assert mase(ACTUAL, PREDICTED, 7 / 3) == pytest.approx((4 / 3) / (7 / 3))
    assert math.isnan(mase(ACTUAL, PREDICTED, 0.0))


@pytest.mark.parametrize("metric", [r2, mape, smape])
def test_a_share_of_a_missing_prediction_is_not_a_number(metric):
    assert math.isnan(metric(np.array([1.0, 2.0]), np.array([1.0, np.nan])))
