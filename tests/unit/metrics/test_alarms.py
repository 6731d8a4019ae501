from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.metrics.alarms import alarms

# a: up at 2–3 h and again at 6 h, fails at 10 h. b: up at 1 h, fails at 30 h. c: never up, fails at 5 h. Not in order.
READINGS = [("a", 6, 0.9), ("a", 2, 0.8), ("a", 3, 0.95), ("a", 1, 0.1), ("a", 5, 0.2)]
READINGS += [("b", 1, 0.8), ("b", 2, 0.7), ("c", 1, 0.1), ("c", 4, 0.79)]
MACHINE, AT_H, SCORE = (np.array(of) for of in zip(*READINGS, strict=True))
FAILED, FAILED_AT_H = np.array(["a", "b", "c"]), np.array([10.0, 30.0, 5.0])


def test_an_alarm_is_right_if_its_machine_fails_within_the_horizon():
    found = alarms(MACHINE, AT_H, SCORE, FAILED, FAILED_AT_H, limit=0.8, horizon_h=8.0)
    assert found.is_right.tolist() == [True, True, False]  # a at 2 h and at 6 h; b's is 29 h early
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_a_failures_lead_is_that_of_its_first_alarm():
    found = alarms(MACHINE, AT_H, SCORE, FAILED, FAILED_AT_H, limit=0.8, horizon_h=48.0)
    np.testing.assert_array_equal(found.leads_h, [8.0, 29.0, np.nan])
    assert found.lead_h == 18.5


def test_an_alarm_that_leaves_no_time_for_a_repair_is_not_right():
    found = alarms(MACHINE, AT_H, SCORE, FAILED, FAILED_AT_H, limit=0.8, horizon_h=8.0, least_h=5.0)
    assert found.is_right.tolist() == [True, False, False]
    np.testing.assert_array_equal(found.leads_h, [8.0, np.nan, np.nan])


def test_a_failure_of_another_machine_makes_no_alarm_right():
    found = alarms(MACHINE, AT_H, SCORE, np.array(["c"]), np.array([5.0]), limit=0.8, horizon_h=8.0)
    assert (found.precision, found.recall) == (0.0, 0.0) and math.isnan(found.lead_h)


def test_without_alarms_or_failures_there_is_nothing_to_say():
    silent = alarms(MACHINE, AT_H, SCORE, FAILED, FAILED_AT_H, limit=2.0, horizon_h=8.0)
    assert math.isnan(silent.precision) and silent.recall == 0.0
    sound = alarms(MACHINE, AT_H, SCORE, FAILED[:0], FAILED_AT_H[:0], limit=0.8, horizon_h=8.0)
    assert sound.precision == 0.0 and math.isnan(sound.recall)
