from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from pipelines.contracts.monitors import Monitor, ScoreMonitor
from pipelines.contracts.names import DeclarationError
from pipelines.metrics.alarm_figures import by_limit
from pipelines.metrics.alarms import alarms, of_remaining, of_scores
from tests.backtests import CUT, DAYS
from tests.toy_domains.press.domain import ODD as ODD_TASK

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


HOUR = 3600.0
# (machine, hour, score, label). a fails at 6 and 7 h, up at 2 h, at 6 h and while it fails; then up at 20 h, and its
# labels end soon after. b fails at once, up never before; then at 9 h, announced at 4 h; up at 14 h, and nothing comes.
WATCHED = [("a", 2, 0.9, 0), ("a", 1, 0.1, 0), ("a", 3, 0.2, 0), ("a", 6, 0.95, 1), ("a", 7, 0.99, 1), ("a", 8, 0.3, 0)]
WATCHED += [
    ("a", 20, 0.9, 0),
    ("a", 21, 0.1, 0),
    ("b", 0, 0.9, 1),
    ("b", 3, 0.1, 0),
    ("b", 4, 0.8, 0),
    ("b", 5, 0.7, 0),
]
WATCHED += [("b", 9, 0.2, 1), ("b", 14, 0.85, 0), ("b", 40, 0.1, 0)]
OF, HOURS, ODD, FAILS = (np.array(of) for of in zip(*WATCHED, strict=True))
FIVE_HOURS = ScoreMonitor("m", limit=0.8, horizon=timedelta(hours=5), least=timedelta(hours=1))


def test_a_score_raises_alarms_that_late_labels_judge():
    found = of_scores(OF, HOURS * HOUR, ODD, FAILS, FIVE_HOURS)
    # in order: a at 2 h, right, and at 6 h, which is too late; not at 7 h, nor at 20 h, which nobody can judge yet; b
    # at 0 h, when it has failed, at 4 h, right, and at 14 h
    assert [(OF[row], HOURS[row]) for row in found.raised] == [("a", 2), ("a", 6), ("b", 0), ("b", 4), ("b", 14)]
    assert found.is_right.tolist() == [True, False, False, True, False]
    assert [(OF[row], HOURS[row]) for row in found.failed] == [("a", 6), ("b", 9)]  # b's first could not be announced
    assert (found.leads / HOUR).tolist() == [4.0, 5.0]
    assert (found.precision, found.recall, found.lead) == (0.4, 1.0, 4.5 * HOUR)
    none = of_scores(OF, HOURS * HOUR, ODD, FAILS, FIVE_HOURS, limit=1.0)
    assert (len(none.is_right), none.recall) == (0, 0.0)


def test_a_failure_of_one_machine_is_none_of_another_that_stands_next_to_it():
    at, fails = np.array([0.0, HOUR, 0.0, HOUR]), np.array([0, 0, 0, 1])
    found = of_scores(np.array(["a", "a", "b", "b"]), at, np.array([0.9, 0.1, 0.1, 0.1]), fails, FIVE_HOURS)
    assert (found.is_right.tolist(), found.leads.tolist()) == ([], [pytest.approx(np.nan, nan_ok=True)])


def test_what_a_draw_makes_of_alarms_is_what_the_drawn_ones_come_to():
    """The second source counts the alarms and failures themselves, as often as their periods were drawn."""
    found = of_scores(OF, HOURS * HOUR, ODD, FAILS, FIVE_HOURS)
    period = (HOURS >= 5).astype(np.int64)
    draw = np.array([[1.0, 3.0]])
    counted = {name: of.of(draw)[0] for name, of in found.counted(period, 2).items()}
    raised, failed = (
        np.repeat(np.arange(len(of)), draw[0][period[of]].astype(int)) for of in (found.raised, found.failed)
    )
    assert counted == {
        "alarms/precision": pytest.approx(found.is_right[raised].mean()),
        "alarms/recall": pytest.approx((~np.isnan(found.leads[failed])).mean()),
        "alarms/lead": pytest.approx(np.median(found.leads[failed])),
    }
    as_they_are = {name: of.of(np.ones((1, 2)))[0] for name, of in found.counted(period, 2).items()}
    assert as_they_are == {name: of for name, of in found.metrics().items() if name != "alarms/count"}


def test_alarms_of_some_rows_are_those_raised_there_and_the_failures_there():
    found = of_scores(OF, HOURS * HOUR, ODD, FAILS, FIVE_HOURS).among(OF == "b")
    assert (found.is_right.tolist(), found.leads.tolist()) == ([False, True, False], [5.0 * HOUR])
    assert [HOURS[OF == "b"][row] for row in (*found.raised, *found.failed)] == [0, 4, 14, 9]


def test_a_monitor_of_a_score_whose_alarms_cannot_be_right_is_refused():
    for limit, hours in ((0.0, 5), (1.5, 5), (0.9, 0)):
        with pytest.raises(DeclarationError, match="and a limit above 0 and up to 1"):
            ScoreMonitor("m", limit=limit, horizon=timedelta(hours=hours))


def backtest(task, machine, at_h, predicted, actual) -> pa.Table:
    at = pa.array([CUT + timedelta(hours=float(hour)) for hour in at_h], pa.timestamp("us", tz="UTC"))
    return pa.table({"m": machine, "cut_at": at, task.point: predicted, "actual": actual.astype(float)})


def test_the_picture_shows_precision_recall_and_lead_at_any_limit():
    task = replace(DAYS, unit="flights", monitor=Monitor("m", limit=30, horizon=45))
    rows = backtest(task, NAMED, np.arange(len(NAMED)), PREDICTED, ACTUAL)
    rates, leads = by_limit(rows, task, model="xgboost", subject="left").axes
    precision, recall = (line.get_xydata() for line in rates.lines[:2])
    of = {limit: (right, found) for (limit, right), (_, found) in zip(precision.tolist(), recall.tolist(), strict=True)}
    assert (min(of), max(of), of[30.0]) == (1.5, 60.0, (100.0, pytest.approx(200 / 3)))
    assert dict(leads.lines[0].get_xydata().tolist())[30.0] == 35.0
    assert leads.get_ylabel() == "median warning (flights)"


def test_the_picture_of_a_score_has_limits_up_to_1_and_leads_in_hours():
    task = replace(ODD_TASK, monitor=FIVE_HOURS)
    rates, leads = by_limit(backtest(task, OF, HOURS, ODD, FAILS), task, model="forest", subject="odd").axes
    precision = dict(rates.lines[0].get_xydata().round(9).tolist())
    assert (min(precision), max(precision), precision[0.8]) == (0.61, 1.0, 40.0)
    assert dict(leads.lines[0].get_xydata().round(9).tolist())[0.8] == 4.5
    assert leads.get_ylabel() == "median warning (hours)"
