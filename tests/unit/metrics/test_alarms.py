from __future__ import annotations

import math

import numpy as np
import pytest

from pipelines.contracts.monitors import Monitor
from pipelines.contracts.names import DeclarationError
from pipelines.metrics.alarm_figures import by_limit
from pipelines.metrics.alarms import alarms, of_remaining

# a: up at 2–3 h and again at 6 h, fails at 10 h. b: up at 1 h, fails at 30 h. c: never up, fails at 5 h. Not in order.
READINGS = [("a", 6, 0.9), ("a", 2, 0.8), ("a", 3, 0.95), ("a", 1, 0.1), ("a", 5, 0.2)]
READINGS += [("b", 1, 0.8), ("b", 2, 0.7), ("c", 1, 0.1), ("c", 4, 0.79)]
MACHINE, AT_H, SCORE = (np.array(of) for of in zip(*READINGS, strict=True))
FAILED, FAILED_AT_H = np.array(["a", "b", "c"]), np.array([10.0, 30.0, 5.0])


def test_an_alarm_is_right_if_its_machine_fails_within_the_horizon():
    found = alarms(MACHINE, AT_H, SCORE, FAILED, FAILED_AT_H, limit=0.8, horizon=8.0)
    assert found.is_right.tolist() == [True, True, False]  # a at 2 h and at 6 h; b's is 29 h early
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_a_failures_lead_is_that_of_its_first_alarm():
    found = alarms(MACHINE, AT_H, SCORE, FAILED, FAILED_AT_H, limit=0.8, horizon=48.0)
    np.testing.assert_array_equal(found.leads, [8.0, 29.0, np.nan])
    assert found.lead == 18.5


def test_an_alarm_that_leaves_no_time_for_a_repair_is_not_right():
    found = alarms(MACHINE, AT_H, SCORE, FAILED, FAILED_AT_H, limit=0.8, horizon=8.0, least=5.0)
    assert found.is_right.tolist() == [True, False, False]
    np.testing.assert_array_equal(found.leads, [8.0, np.nan, np.nan])


def test_a_failure_of_another_machine_makes_no_alarm_right():
    found = alarms(MACHINE, AT_H, SCORE, np.array(["c"]), np.array([5.0]), limit=0.8, horizon=8.0)
    assert (found.precision, found.recall) == (0.0, 0.0) and math.isnan(found.lead)


def test_without_alarms_or_failures_there_is_nothing_to_say():
    silent = alarms(MACHINE, AT_H, SCORE, FAILED, FAILED_AT_H, limit=2.0, horizon=8.0)
    assert math.isnan(silent.precision) and silent.recall == 0.0
    sound = alarms(MACHINE, AT_H, SCORE, FAILED[:0], FAILED_AT_H[:0], limit=0.8, horizon=8.0)
    assert sound.precision == 0.0 and math.isnan(sound.recall)


# (machine, left, predicted). a: announced at 40 and again at 5; then a second life of it, with an alarm at 30, which is
# too early for a horizon of 25. b: never announced.
LEFT = [("a", 60.0, 80.0), ("b", 50.0, 90.0), ("a", 40.0, 28.0), ("a", 20.0, 35.0), ("a", 5.0, 2.0), ("b", 1.0, 31.0)]
LEFT += [("a", 30.0, 29.0), ("a", 10.0, 12.0)]
NAMED, ACTUAL, PREDICTED = (np.array(of) for of in zip(*LEFT, strict=True))


def test_a_remaining_life_raises_an_alarm_where_it_falls_to_the_limit():
    found = of_remaining(NAMED, PREDICTED, ACTUAL, Monitor("m", limit=30, horizon=45))
    # the lives in the order of their machines: a's first with two alarms, a's second with one, b's with none
    assert found.is_right.tolist() == [True, True, True]
    np.testing.assert_array_equal(found.leads, [40.0, 30.0, np.nan])
    assert (found.precision, found.recall, found.lead) == (1.0, pytest.approx(2 / 3), 35.0)


def test_an_alarm_with_too_much_or_too_little_left_is_not_right():
    monitor = Monitor("m", limit=30, horizon=25, least=6)
    found = of_remaining(NAMED, PREDICTED, ACTUAL, monitor)
    assert found.is_right.tolist() == [False, False, False] and found.recall == 0.0
    wider = of_remaining(NAMED, PREDICTED, ACTUAL, monitor, limit=100.0)
    assert wider.is_right.tolist() == [False, False, False]  # one alarm a life, at its first reading


def test_a_life_that_nobody_looked_at_near_its_end_is_not_missed():
    actual, predicted = np.array([90.0, 80.0, 20.0]), np.array([70.0, 60.0, 40.0])
    found = of_remaining(np.array(["a", "a", "b"]), predicted, actual, Monitor("m", limit=30, horizon=45))
    assert (len(found.is_right), found.leads.tolist(), found.recall) == (0, [pytest.approx(np.nan, nan_ok=True)], 0.0)


def test_readings_whose_label_is_capped_keep_their_order():
    actual, predicted = np.array([125.0, 125.0, 125.0, 124.0]), np.array([130.0, 90.0, 80.0, 70.0])
    found = of_remaining(np.array(["a"] * 4), predicted, actual, Monitor("m", limit=95, horizon=125))
    assert found.is_right.tolist() == [True]


def test_a_monitor_whose_alarms_cannot_be_right_is_refused():
    with pytest.raises(DeclarationError, match=r"horizon 5, least 5; it needs 0 ≤ least < horizon"):
        Monitor("m", limit=30, horizon=5, least=5)


def test_the_picture_shows_precision_recall_and_lead_at_any_limit():
    monitor = Monitor("m", limit=30, horizon=45)
    figure = by_limit(NAMED, PREDICTED, ACTUAL, monitor, unit="flights", model="xgboost", subject="left")
    rates, leads = figure.axes
    precision, recall = (line.get_xydata() for line in rates.lines[:2])
    of = {limit: (right, found) for (limit, right), (_, found) in zip(precision.tolist(), recall.tolist(), strict=True)}
    assert (min(of), max(of), of[30.0]) == (1.5, 60.0, (100.0, pytest.approx(200 / 3)))
    assert dict(leads.lines[0].get_xydata().tolist())[30.0] == 35.0
    assert leads.get_ylabel() == "median warning (flights)"
