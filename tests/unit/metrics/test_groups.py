import numpy as np
import pytest

from pipelines.metrics.groups import mean_of, tenths, wilson


def test_groups_are_tenths_of_the_cases_by_size():
    assert tenths(np.arange(20.0)[::-1]).tolist() == [n // 2 for n in range(20)][::-1]


def test_equal_predictions_share_a_group():
    assert tenths(np.array([0.5] * 10)).tolist() == [0] * 10
    assert tenths(np.array([0.1] * 7 + [0.2, 0.3, 0.4])).tolist() == [0] * 7 + [1, 2, 3]


def test_the_mean_is_that_of_each_group():
    assert mean_of(np.array([1.0, 3.0, 8.0]), np.array([0, 0, 1])).tolist() == [2.0, 8.0]


def test_a_share_that_was_never_seen_still_has_room_above():
    low, high = wilson(np.array([0.0, 5.0]), np.array([10.0, 10.0]))
    assert low == pytest.approx([0.0, 0.2366], abs=1e-4)
    assert high == pytest.approx([0.2775, 0.7634], abs=1e-4)
