from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.contracts.fits import FitError
from pipelines.contracts.monitors import Monitor
from pipelines.stages.evaluate import by_entity, evaluate, judge
from tests.backtests import CUT, DAYS, IS_LATE, predictions
from tests.toy_domains.mill.domain import DOMAIN

TASK = replace(DOMAIN.tasks[0], steps=2, families=("seasonal_naive", "linear"), params={})
NAIVE = predictions(
    TASK.outputs,
    ("calibrate", 1, 10.0, 8.0, 12.0, 14.0),
    ("calibrate", 2, 10.0, 8.0, 12.0, 14.0),
    ("test", 1, 10.0, 8.0, 14.0, 16.0),
    ("test", 2, 20.0, 18.0, 24.0, 26.0),
)
LINEAR = predictions(
    TASK.outputs,
    ("test", 1, 10.0, 9.0, 11.0, 12.0),
    ("test", 2, 20.0, 21.0, 23.0, 24.0),
    ("calibrate", 1, 10.0, 9.0, 11.0, 12.0),
    ("calibrate", 2, 10.0, 9.0, 11.0, 12.0),
    ("test", 1, None, 0.0, 99.0, 99.0),
    ("validate", 1, 0.0, 99.0, 99.0, 99.0),
)


def test_metrics_are_of_the_test_span_and_the_gates_of_the_calibrate_span():
    found = evaluate({"seasonal_naive": NAIVE, "linear": LINEAR}, TASK)
    linear, naive = found["linear"], found["seasonal_naive"]
    assert {name: linear.metrics[name] for name in ("mae", "naive_mae", "skill", "bias", "nominal_coverage")} == {
        "mae": 2.0,
        "naive_mae": 4.0,
        "skill": 0.5,
        "bias": 2.0,
        "nominal_coverage": 0.8,
    }
    assert (linear.gate["mae"], naive.gate["mae"], naive.metrics["skill"]) == (1.0, 2.0, 0.0)
    assert linear.mae_by_step.tolist() == [1.0, 3.0]


def test_raw_outputs_are_judged_over_a_fold_beside_the_baselines():
    found = judge({"seasonal_naive": NAIVE, "linear": LINEAR.slice(0, 2)}, TASK, "the fold")
    linear = {name: found["linear"][name] for name in ("mae", "coverage", "skill")}
    assert linear == {"mae": 2.0, "coverage": 0.5, "skill": pytest.approx(1 / 3)}
    assert (found["seasonal_naive"]["mae"], found["seasonal_naive"]["skill"]) == (3.0, 0.0)
    with pytest.raises(FitError, match="no cut-off of the fold tested in March has a known label"):
        judge({"seasonal_naive": NAIVE.slice(0, 0), "linear": LINEAR}, TASK, "the fold tested in March")


def test_intervals_are_shifted_by_what_the_calibrate_span_shows_and_the_point_is_left():
    linear = evaluate({"seasonal_naive": NAIVE, "linear": LINEAR}, TASK)["linear"]
    assert linear.calibration.shifts == {0.1: 1.0, 0.5: 0.0, 0.9: -2.0}
    rows = linear.backtest.select(["split", "actual", "q10", "q50", "q90"]).to_pylist()
    assert [tuple(row.values()) for row in rows] == [
        ("calibrate", 10.0, 10.0, 11.0, 11.0),
        ("calibrate", 10.0, 10.0, 11.0, 11.0),
        ("test", 10.0, 10.0, 11.0, 11.0),
        ("test", 20.0, 22.0, 23.0, 23.0),
    ]


def test_each_entity_is_judged_beside_its_own_baseline():
    def at(station, rows):
        return rows.set_column(0, "station_id", pa.array([station] * len(rows)))

    test = LINEAR.slice(0, 2)
    naive = pa.concat_tables([NAIVE, at("b", NAIVE)])
    linear = pa.concat_tables([at("b", NAIVE.slice(2)), test, LINEAR.slice(3, 2)])
    seen = evaluate({"seasonal_naive": naive, "linear": linear}, TASK)
    found = by_entity(seen["linear"], seen["seasonal_naive"], TASK)
    assert {name: (of["mae"], of["skill"]) for name, of in found.items()} == {"a": (2.0, 0.5), "b": (4.0, 0.0)}


def test_the_backtest_has_each_column_once():
    linear = evaluate({"seasonal_naive": NAIVE, "linear": LINEAR}, TASK)["linear"]
    names = ["station_id", "work_id", "cut_at", "target_at", "step", "actual", "split", "q10", "q50", "q90"]
    assert linear.backtest.column_names == names


def test_a_question_about_one_event_has_no_steps_to_tell_apart():
    rows = predictions(DAYS.outputs, ("calibrate", 1, 4.0, 1.0, 3.0, 5.0), ("test", 1, 4.0, 1.0, 2.0, 5.0))
    seen = evaluate({"base_rate": rows}, DAYS)["base_rate"]
    assert (seen.metrics["mae"], seen.mae_by_step.tolist()) == (2.0, [])
    assert seen.calibration.learnt_on == "share 0.6 – 0.8 by hash"


BASE_RATE = predictions(
    IS_LATE.outputs,
    ("calibrate", 1, 1.0, 0.5),
    ("calibrate", 1, 0.0, 0.5),
    ("test", 1, 1.0, 0.5),
    ("test", 1, 0.0, 0.5),
    ("test", 1, 0.0, 0.5),
    ("test", 1, 0.0, 0.5),
)
LATE = predictions(
    IS_LATE.outputs,
    ("calibrate", 1, 1.0, 0.25),
    ("calibrate", 1, 0.0, 0.5),
    ("test", 1, 1.0, 0.5),
    ("test", 1, 0.0, 0.75),
    ("test", 1, 0.0, 0.25),
    ("test", 1, 0.0, 0.25),
    ("test", 1, None, 0.9),
)


def test_a_probability_is_judged_by_its_loss_and_its_order_beside_the_baselines():
    found = evaluate({"base_rate": BASE_RATE, "linear": LATE}, IS_LATE)
    loss = -(math.log(0.5) + math.log(0.25) + 2 * math.log(0.75)) / 4
    told = {name: value for name, value in found["linear"].metrics.items() if not name.startswith("interval/")}
    assert told == {
        "log_loss": pytest.approx(loss),
        "naive_log_loss": pytest.approx(math.log(2)),
        "skill": pytest.approx(1 - loss / math.log(2)),
        "auc": pytest.approx(2 / 3),
        "naive_auc": 0.5,
        "average_precision": 0.5,
        "naive_average_precision": 0.25,
        "naive_brier": 0.25,
        "naive_calibration_error": 0.25,
        "naive_accuracy": 0.25,
        "naive_f1": 0.4,  # all four are named, one rightly
        "naive_recall_at_capacity": pytest.approx(0.05),
        "brier": pytest.approx((0.25 + 0.5625 + 2 * 0.0625) / 4),
        "calibration_error": pytest.approx((2 * 0.25 + 0.5 + 0.75) / 4),  # told .25 twice, .5 and .75; the .5 came
        "accuracy": 0.75,
        "f1": pytest.approx(2 / 3),
        "recall_at_capacity": 0.0,  # a twentieth of four rows, all of it the .75
        "base_rate": 0.25,
    }
    assert found["linear"].gate["log_loss"] == pytest.approx(-(math.log(0.25) + math.log(0.5)) / 2)
    assert (found["linear"].gate["auc"], found["base_rate"].metrics["skill"]) == (0.0, 0.0)


def test_a_probability_is_left_as_the_model_gave_it():
    seen = evaluate({"base_rate": BASE_RATE, "linear": LATE}, IS_LATE)["linear"]
    assert (seen.calibration.shifts, seen.mae_by_step.tolist()) == ({}, [])
    assert seen.backtest.select(["split", "probability"]).to_pylist()[:3] == [
        {"split": "calibrate", "probability": 0.25},
        {"split": "calibrate", "probability": 0.5},
        {"split": "test", "probability": 0.5},
    ]


def test_a_model_without_a_value_for_some_row_has_no_metrics():
    gap = LATE.set_column(
        LATE.column_names.index("probability"), "probability", pa.array([0.2, None, *[0.5] * 5], pa.float64())
    )
    seen = evaluate({"base_rate": BASE_RATE, "linear": gap}, IS_LATE)["linear"]
    assert all(math.isnan(seen.gate[name]) for name in ("log_loss", "auc", "average_precision", "brier", "skill"))
    assert math.isfinite(seen.metrics["log_loss"])


@pytest.mark.parametrize(("labels", "told"), [((0.0, 0.0), "0"), ((1.0, 1.0), "1"), ((0.0, 2.0), "0, 2")])
def test_labels_that_are_not_0_and_1_cannot_judge_a_probability(labels, told):
    rows = predictions(IS_LATE.outputs, *[("calibrate", 1, label, 0.5) for label in labels])
    with pytest.raises(
        FitError, match=rf"is_late: .* the calibrate span \(share 0\.6 – 0\.8 by hash\) has: {told}\. Land"
    ):
        evaluate({"base_rate": rows}, IS_LATE)


def test_a_span_without_a_known_label_says_what_to_do():
    with pytest.raises(FitError, match=r"the test span \(2024-02-03T13:00Z – 2024-02-12T00:00Z\) has a known label"):
        evaluate({"seasonal_naive": NAIVE.slice(0, 2)}, TASK)


def test_a_missing_baseline_is_a_mistake_of_the_caller():
    with pytest.raises(KeyError):
        evaluate({"linear": LINEAR}, TASK)


def test_errors_are_scaled_by_the_baselines_on_the_train_span():
    found = evaluate({"seasonal_naive": NAIVE, "linear": LINEAR}, TASK, scale=8.0)
    assert (found["linear"].metrics["mase"], found["seasonal_naive"].metrics["mase"]) == (2.0 / 8.0, 4.0 / 8.0)
    assert found["linear"].slices[0]["mase"] == 0.25
    assert "mase" not in evaluate({"seasonal_naive": NAIVE, "linear": LINEAR}, TASK)["linear"].metrics


def test_a_remaining_life_is_judged_as_a_monitor_besides():
    lives = [("calibrate", 1, 3.0, 2.0, 3.0, 4.0)]
    # e's alarm at 2 left is right; f's, at 5 left, is too early, and nobody looked later, so its end is not missed
    lives += [("test", 1, left, point - 1, point, point + 1) for left, point in ((4, 5), (2, 2.5), (1, 1))]
    lives += [("test", 1, left, point - 1, point, point + 1) for left, point in ((5, 1), (4, 1))]
    rows = predictions(DAYS.outputs, *lives).append_column("engine_id", pa.array(["d", "e", "e", "e", "f", "f"]))
    task = replace(DAYS, monitor=Monitor("engine_id", limit=3.0, horizon=3.0))
    backwards = pa.array([f"w{n}" for n in (0, 5, 4, 3, 2, 1)])  # entities in another order than time
    rows = rows.set_column(rows.column_names.index("work_id"), "work_id", backwards)
    found = evaluate({"base_rate": rows, "linear": rows}, task)["linear"].metrics
    told = {"alarms/precision": 0.5, "alarms/recall": 1.0, "alarms/lead": 2.0, "alarms/count": 2.0}
    assert {name: value for name, value in found.items() if name.startswith("alarms/")} == told
    assert {f"naive_{name}": found[f"naive_{name}"] for name in told} == {
        f"naive_{name}": of for name, of in told.items()
    }
    assert found["interval/alarms/precision_low"] <= 0.5 <= found["interval/alarms/precision_high"]
    assert found["interval/alarms/precision_minus_naive_high"] == 0.0  # it is the naive one's twin
    assert not any(
        name.startswith("alarms/") for name in evaluate({"base_rate": rows, "linear": rows}, DAYS)["linear"].metrics
    )


STEPS = ((1, 1.0), (2, 10.0))
"""Of the task's steps the number, and by how much errors grow."""


def of_days(errors: list[float]) -> pa.Table:
    """A cut-off a day of two steps whose errors are these, with bands 1 wide on either side; the first calibrates."""
    splits = ["calibrate", *["test"] * (len(errors) - 1)]
    of = zip(splits, errors, strict=True)
    wide = [(split, step, 10.0, 9.0 + error, 10.0 + error, 11.0 + error) for split, error in of for step in (1, 2)]
    rows = predictions(TASK.outputs, *wide)
    at = pa.array([CUT + timedelta(days=n // 2) for n in range(len(rows))], pa.timestamp("us", tz="UTC"))
    for column in ("cut_at", "target_at"):
        rows = rows.set_column(rows.column_names.index(column), column, at)
    return rows


def test_every_metric_is_told_by_slice_with_its_interval_beside_the_baselines_and_the_leaders():
    told = {"seasonal_naive": [4.0] * 31, "linear": [1.0] + [2.0, 4.0] * 15, "xgboost": [2.0] + [1.0, 2.0] * 15}
    task = replace(TASK, families=tuple(told))
    found = evaluate({family: of_days(errors) for family, errors in told.items()}, task, ("step", "station_id"))
    whole, *steps = found["xgboost"].slices
    assert (whole["slice"], whole["rows"], whole["mae"], whole["naive_mae"]) == ("all", 60, 1.5, 4.0)
    assert [(row["slice"], row["group"], row["rows"], row["mae"]) for row in steps] == [
        ("step", "1", 30, 1.5),
        ("step", "2", 30, 1.5),
    ]  # there is one station, which is all rows
    assert (whole["mae_skill"], whole["mae_minus_naive"], whole["mae_minus_leader"]) == (0.625, -2.5, -1.5)
    assert 1.0 < whole["mae_low"] < 1.5 < whole["mae_high"] < 2.0
    assert whole["mae_minus_leader_low"] < -1.5 < whole["mae_minus_leader_high"] < 0.0
    metrics = found["xgboost"].metrics
    for metric in ("rmse", "mape", "smape", "pinball", "coverage", "width", "bias"):
        naive = found["seasonal_naive"].slices[0][metric]
        for row in (whole, *steps):
            assert row[f"{metric}_low"] <= row[metric] <= row[f"{metric}_high"], metric
            assert row[f"naive_{metric}"] == pytest.approx(naive)
            assert row[f"{metric}_minus_naive"] == pytest.approx(row[metric] - naive)
            assert row[f"{metric}_minus_naive_low"] <= row[f"{metric}_minus_naive_high"]
        assert metrics[f"interval/{metric}_low"] == whole[f"{metric}_low"]
    assert metrics["interval/mae_low"] == whole["mae_low"] and metrics["mae"] == 1.5
    assert not any(name.endswith("leader") for name in found["linear"].metrics)  # it leads itself
    assert "interval/mae_skill" not in found["seasonal_naive"].metrics


def test_families_that_were_asked_about_other_rows_are_not_compared():
    with pytest.raises(ValueError, match="1 rows of linear beside 2 of the baseline"):
        evaluate({"seasonal_naive": NAIVE, "linear": LINEAR.slice(1)}, TASK)


def test_intervals_that_go_on_learning_stand_beside_the_registered_ones():
    """Errors that grow on the third of five days: the registered band misses them from then on, while those that learn
    on have taken them in a day later."""
    told = {"seasonal_naive": [0.0, 0.0, 5.0, 5.0, 5.0], "linear": [0.0, 0.0, 5.0, 5.0, 5.0]}
    found = evaluate({family: of_days(errors) for family, errors in told.items()}, TASK)["linear"]
    assert list(found.recalibrated) == ["by_step", "rolling", "adaptive"]
    assert found.metrics["coverage"] == found.metrics["conformal/by_step_coverage"] == 0.25
    # the second day is still covered; the third comes unseen; then the newest day is the window
    assert found.metrics["conformal/rolling_coverage"] == 0.75
    assert found.recalibrated["rolling"]["q10"].to_pylist()[-2:] == [10.0, 10.0]
    assert found.metrics["conformal/rolling_width"] < found.metrics["conformal/adaptive_width"] + 1e-9
    assert not evaluate({"base_rate": BASE_RATE, "linear": LATE}, IS_LATE)["linear"].recalibrated


def test_each_step_has_intervals_of_its_own_where_the_calibrate_span_has_rows_enough():
    """A hundred days: errors of step 1 are 0.1 to 10, of step 2 ten times as much, in an order without a trend; the
    bands before calibration are points. Then ten days with errors of 5 and of 50."""
    errors = [0.1 * (n * 37 % 100 + 1) for n in range(100)]
    of = [("calibrate", step, 1000.0 + scale * error, *(1000.0,) * 3) for error in errors for step, scale in STEPS]
    of += [("test", step, 1000.0 + scale * 5.0, *(1000.0,) * 3) for _ in range(10) for step, scale in STEPS]
    rows = predictions(TASK.outputs, *of)
    at = pa.array([CUT + timedelta(days=n // 2) for n in range(len(rows))], pa.timestamp("us", tz="UTC"))
    for column in ("cut_at", "target_at"):
        rows = rows.set_column(rows.column_names.index(column), column, at)
    found = evaluate({"seasonal_naive": rows, "linear": rows}, TASK)["linear"]
    assert dict(found.calibration.by_step) == {
        0.1: pytest.approx((1.0, 10.0)),
        0.5: (0.0, 0.0),
        0.9: pytest.approx((9.1, 91.0)),
    }
    assert found.calibration.learnt_on.endswith(", each step by itself")
    # below the point no quantile may rise above it, so the bands go from the point to the upper shift
    registered = [row for row in found.by_step if row["way"] == "split"]
    assert [(row["step"], row["rows"], row["coverage"], row["width"]) for row in registered] == [
        (1, 10, 1.0, pytest.approx(9.1)),
        (2, 10, 1.0, pytest.approx(91.0)),
    ]
    assert list(found.recalibrated) == ["pooled", "rolling", "adaptive"]
    assert {row["way"] for row in found.by_step} == {"split", *found.recalibrated}
    one_for_all = {row["width"] for row in found.by_step if row["way"] == "pooled"}
    assert len(one_for_all) == 1 and found.metrics["conformal/pooled_width"] in one_for_all


def test_predictions_are_priced_once_for_all_and_told_beside_the_naive_policy():
    seen = []

    def priced(parts: Sequence[pa.Table]) -> list[pa.Table]:
        """A unit too much costs 2, and the naive policy, which takes the point, three times as much."""
        seen.append([len(rows) for rows in parts])
        errors = [pc.subtract(rows["q50"], rows["actual"]) for rows in parts]
        return [pa.table({"value": pc.multiply(off, 2.0), "naive_value": pc.multiply(off, 6.0)}) for off in errors]

    told = {"seasonal_naive": [4.0] * 31, "linear": [1.0] + [2.0, 4.0] * 15}
    found = evaluate({family: of_days(errors) for family, errors in told.items()}, TASK, ("step",), priced=priced)[
        "linear"
    ]
    assert seen == [[2, 60, 2, 60]]
    names = ("value", "naive_value", "value_minus_naive")
    assert [found.metrics[f"worth/{name}"] for name in names] == [2 * 180.0, 6 * 240.0, 360.0 - 1440.0]
    assert found.metrics["worth/value_minus_naive_low"] < -1080 < found.metrics["worth/value_minus_naive_high"] < 0
    assert [row["value_minus_naive"] for row in found.slices] == [-1080.0, -540.0, -540.0]
    assert [(row["group"], row["value"]) for row in found.slices] == [("", 360.0), ("1", 180.0), ("2", 180.0)]
    assert found.backtest["value"].to_pylist()[2:6] == [4.0, 4.0, 8.0, 8.0]
