import numpy as np
import pytest

from pipelines.contracts.tasks import Span, utc
from pipelines.metrics.quantile import calibrate, coverage, least_rows, mean_pinball, pinball, width

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
    found = calibrate(actual, {0.1: zero, 0.5: zero, 0.9: zero + 1.0}, SPAN, np.ones(len(zero), int), 1)
    assert dict(found.shifts) == {0.1: 2.0, 0.5: 0.0, 0.9: 17.0}
    assert found.learnt_on == "2024-09-01T00:00Z – 2024-10-01T00:00Z"


def test_each_step_has_shifts_of_its_own_where_ten_errors_lie_beyond():
    """Steps whose errors are 1 to 100 and ten times as much; numpy's quantile that rounds up is the second source."""
    errors, step = np.arange(1.0, 101.0), np.repeat([1, 2], 100)
    actual = np.concatenate([errors, 10.0 * errors])
    predicted = dict.fromkeys((0.1, 0.5, 0.9), np.zeros(200))
    found = calibrate(actual, predicted, SPAN, step, 2)
    assert dict(found.by_step) == {0.1: (10.0, 100.0), 0.5: (0.0, 0.0), 0.9: (91.0, 910.0)}
    ranked = [np.quantile(of, 0.9 * 101 / 100, method="inverted_cdf") for of in (errors, 10.0 * errors)]
    assert list(found.by_step[0.9]) == ranked
    assert found.shifts[0.9] == np.quantile(actual, 0.9 * 201 / 200, method="inverted_cdf")
    assert found.learnt_on == "2024-09-01T00:00Z – 2024-10-01T00:00Z, each step by itself"


def test_with_one_row_less_in_one_step_all_have_the_same_and_it_is_said():
    actual, step = np.arange(1.0, 200.0), np.repeat([1, 2], [100, 99])
    found = calibrate(actual, dict.fromkeys((0.1, 0.5, 0.9), np.zeros(199)), SPAN, step, 2)
    assert found.by_step == {} and found.shifts[0.9] == 180.0
    assert found.learnt_on.endswith(", all steps together, since one has 99 rows, below 100")
    assert [least_rows(of) for of in ((0.1, 0.5, 0.9), (0.05, 0.5, 0.9), (0.025, 0.975), (0.5,))] == [100, 200, 400, 20]


def test_with_too_few_rows_the_greatest_errors_count():
    found = calibrate(np.array([1.0, 3.0, np.nan]), {0.1: np.zeros(3), 0.9: np.zeros(3)}, SPAN, np.ones(3, int), 1)
    assert dict(found.shifts) == {0.1: 1.0, 0.9: 3.0}


def test_calibration_needs_an_actual_value():
    with pytest.raises(ValueError, match="no row has an actual value"):
        calibrate(np.array([np.nan]), {0.1: np.zeros(1)}, SPAN, np.ones(1, int), 1)
