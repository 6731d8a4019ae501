from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from pipelines.contracts.tasks import utc
from pipelines.stages.evaluate import evaluate
from tests.toy_domains.mill.domain import DOMAIN

TASK = replace(DOMAIN.tasks[0], steps=2, families=("seasonal_naive", "linear"), params={})
CALIBRATE, TEST = utc("2024-01-30"), utc("2024-02-05")


def predictions(*rows: tuple) -> pa.Table:
    """Rows of (cut-off, step, actual, q10, q50, q90)."""
    cut_at, step, actual, low, point, high = zip(*rows, strict=True)
    return pa.table(
        {
            "station_id": ["a"] * len(rows),
            "cut_at": pa.array(cut_at, pa.timestamp("us", tz="UTC")),
            "step": pa.array(step, pa.int32()),
            "actual": pa.array(actual, pa.float64()),
            "q10": pa.array(low, pa.float64()),
            "q50": pa.array(point, pa.float64()),
            "q90": pa.array(high, pa.float64()),
        }
    )


NAIVE = predictions(
    (CALIBRATE, 1, 10.0, 8.0, 12.0, 14.0),
    (CALIBRATE, 2, 10.0, 8.0, 12.0, 14.0),
    (TEST, 1, 10.0, 8.0, 14.0, 16.0),
    (TEST, 2, 20.0, 18.0, 24.0, 26.0),
)
LINEAR = predictions(
    (CALIBRATE, 1, 10.0, 9.0, 11.0, 12.0),
    (CALIBRATE, 2, 10.0, 9.0, 11.0, 12.0),
    (TEST, 1, 10.0, 9.0, 11.0, 12.0),
    (TEST, 2, 20.0, 21.0, 23.0, 24.0),
    (TEST + timedelta(days=1), 1, None, 0.0, 99.0, 99.0),
    (TASK.split.calibrate.start - timedelta(days=1), 1, 0.0, 99.0, 99.0, 99.0),
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


def test_a_missing_baseline_is_a_mistake_of_the_caller():
    with pytest.raises(KeyError):
        evaluate({"linear": LINEAR}, TASK)
