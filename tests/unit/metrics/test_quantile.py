import numpy as np
import pytest

from pipelines.contracts.tasks import Span, utc
from pipelines.metrics.quantile import calibrate, coverage, mean_pinball, pinball, width

SPAN = Span(utc("2024-09-01"), utc("2024-10-01"))


def test_pinball_weighs_shortage_by_the_quantile_and_surplus_by_the_rest():
    actual, predicted = np.array([10.0, 10.0, np.nan]), np.array([6.0, 12.0, 1.0])
    assert pinball(actual, predicted, 0.9) == pytest.approx((0.9 * 4 + 0.1 * 2) / 2)
    assert pinball(actual, predicted, 0.5) == pytest.approx((4 + 2) / 2 / 2)
    assert mean_pinball(actual, {0.9: predicted, 0.5: predicted}) == pytest.approx((1.9 + 1.5) / 2)


def test_coverage_counts_both_ends_and_width_is_the_mean_distance():
    actual = np.array([1.0, 2.0, 5.0, np.nan])
    low, high = np.array([1.0, 3.0, 0.0, 0.0]), np.array([2.0, 4.0, 5.0, 0.0])
    assert coverage(actual, low, high) == pytest.approx(2 / 3)
    assert width(low, high) == pytest.approx(7 / 4)


def test_calibration_shifts_each_quantile_to_where_its_part_of_the_span_lies_below():
    actual = np.arange(1.0, 20.0)  # 19 rows: rank .1 · 20 = 2 and .9 · 20 = 18
    zero = np.zeros(19)
    found = calibrate(actual, {0.1: zero, 0.5: zero, 0.9: zero + 1.0}, SPAN)
    assert dict(found.shifts) == {0.1: 2.0, 0.5: 0.0, 0.9: 17.0}
    assert found.learnt_on == "2024-09-01T00:00Z – 2024-10-01T00:00Z"


def test_with_too_few_rows_the_greatest_errors_count():
    found = calibrate(np.array([1.0, 3.0, np.nan]), {0.1: np.zeros(3), 0.9: np.zeros(3)}, SPAN)
    assert dict(found.shifts) == {0.1: 1.0, 0.9: 3.0}


def test_calibration_needs_an_actual_value():
    with pytest.raises(ValueError, match="no row has an actual value"):
        calibrate(np.array([np.nan]), {0.1: np.zeros(1)}, SPAN)
