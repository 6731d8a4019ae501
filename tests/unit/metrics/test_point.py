import math

import numpy as np
import pytest

from pipelines.metrics.point import bias, mae, rmse, skill

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
