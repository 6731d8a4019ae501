"""Losses counted by period: over all periods they are the metrics, in a draw those of the drawn rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.contracts.tasks import ByHash, Classify, Detect, Estimate, Events, Promote, Share
from pipelines.metrics.losses import counted
from pipelines.metrics.measures import measures

EVENTS = {
    "table": "works",
    "spine": Events("works", entity="work_id"),
    "views": (),
    "families": ("constant", "linear"),
    "split": ByHash(Share(0.0, 0.5), Share(0.5, 0.6), Share(0.6, 0.8), Share(0.8, 1.0)),
    "decide": "repair",
}
GATE = {"promote": Promote("log_loss", "constant", by=0.05)}
DAYS = Estimate(column="days", quantiles=(0.1, 0.5, 0.9), promote=Promote("mae", "constant", by=0.05), **EVENTS)
IS_LATE = Classify(column="is_late", **GATE, **EVENTS)
IS_ODD = Detect(column="is_odd", promote=Promote("disorder", "constant", by=0.1), **EVENTS)
KIND = Classify(column="kind", classes=("a", "b", "c"), **GATE, **EVENTS)
PERIOD = np.array([0, 0, 1, 1, 2, 2])
DRAW = np.array([[2.0, 0.0, 1.0]])  # the first period twice, the second never
DRAWN_ROWS = [0, 1, 0, 1, 4, 5]
BINARY = {"actual": [1.0, 0.0, 0.0, 1.0, 1.0, 0.0]}
LABELS = {
    DAYS.name: {"actual": [3.0, 1.0, 4.0, 1.0, 5.0, 9.0], "q10": [2.0, 0, 1, 1, 4, 5], "q50": [4.0, 1, 2, 3, 5, 7]}
    | {"q90": [5.0, 2, 3, 4, 6, 8]},
    IS_LATE.name: BINARY | {"probability": [0.9, 0.2, 0.6, 0.4, 1.0, 0.3]},
    IS_ODD.name: BINARY | {"anomaly_score": [0.9, 0.2, 0.6, 0.4, 0.2, 0.9]},
    KIND.name: {"actual": [0.0, 1.0, 2.0, 1.0, 0.0, 2.0], "probability_a": [0.8, 0.3, 0.2, 0.1, 0.3, 0.1]}
    | {"probability_b": [0.1, 0.5, 0.2, 0.2, 0.4, 0.1], "probability_c": [0.1, 0.2, 0.6, 0.7, 0.3, 0.8]},
}
CASES = [
    *[(DAYS, metric) for metric in ("mae", "rmse", "pinball")],
    *[(IS_LATE, metric) for metric in ("log_loss", "brier")],
    (IS_ODD, "disorder"),
    *[(KIND, metric) for metric in ("log_loss", "brier", "error_rate")],
]


@pytest.mark.parametrize(("task", "metric"), CASES, ids=[f"{task.name}-{metric}" for task, metric in CASES])
def test_a_loss_over_all_periods_is_the_metric_and_in_a_draw_that_of_the_drawn_rows(task, metric):
    rows = pa.table({name: pa.array(of, pa.float64()) for name, of in LABELS[task.name].items()})
    loss = counted(rows, task, metric, PERIOD, 3)
    assert loss.of(np.ones((1, 3)))[0] == pytest.approx(measures(rows, rows, task)[metric])
    again = rows.take(DRAWN_ROWS)
    assert loss.of(DRAW)[0] == pytest.approx(measures(again, again, task)[metric])


def test_each_period_has_its_mean():
    rows = pa.table({name: pa.array(of, pa.float64()) for name, of in LABELS[DAYS.name].items()})
    assert counted(rows, DAYS, "mae", PERIOD, 3).by_period.tolist() == [0.5, 2.0, 1.0]


def test_a_missing_prediction_makes_a_loss_nan():
    rows = pa.table({"actual": [1.0, 0.0], "probability": pa.array([0.5, None], pa.float64())})
    assert np.isnan(counted(rows, IS_LATE, "log_loss", np.array([0, 1]), 2).of(np.ones((1, 2)))).all()
