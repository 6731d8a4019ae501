"""Losses counted by period: over all periods they are the metrics, in a draw those of the drawn rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.contracts.tasks import ByHash, Classify, Detect, Estimate, Events, Promote, Rank, Share
from pipelines.metrics.losses import as_loss, counted, direction, loss_name
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
GRADE = Rank(
    column="grade",
    query="job",
    top=2,
    **EVENTS | {"families": ("in_order", "xgboost")},
    promote=Promote("ndcg", "in_order", by=0.05),
)
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


GRADED = pa.table(
    {"actual": [0.0, 2.0, 0.0, 0.0, 1.0, 3.0], "score": [0.9, 0.2, 0.6, 0.4, 0.5, 0.3]}
    | {"job": ["b", "b", "a", "a", "c", "c"]}
)


@pytest.mark.parametrize("metric", ["ndcg", "map", "mrr"])
def test_a_gain_is_of_the_queries_of_a_period_or_draw_that_have_a_relevant_row(metric):
    gain = counted(GRADED, GRADE, metric, PERIOD, 3)
    assert gain.under.tolist() == [1.0, 0.0, 1.0]
    assert gain.of(np.ones((1, 3)))[0] == pytest.approx(measures(GRADED, GRADED, GRADE)[metric])
    twice = (2.0 * gain.over[0] + gain.over[2]) / 3.0
    assert gain.of(DRAW)[0] == pytest.approx(twice)
    assert np.isnan(gain.by_period).tolist() == [False, True, False]


def test_a_gain_is_as_a_loss_what_it_lacks_of_1():
    assert [(direction(of), as_loss(of, 0.75), loss_name(of)) for of in ("ndcg", "mae")] == [
        (-1.0, 0.25, "ndcg_loss"),
        (1.0, 0.75, "mae"),
    ]


def test_queries_without_a_relevant_row_are_counted():
    found = measures(GRADED, GRADED, GRADE)
    assert (found["queries"], found["queries_without"], found["skill"]) == (2.0, 1.0, 0.0)
    assert measures(GRADED.slice(2, 2), GRADED.slice(2, 2), GRADE) == {"queries": 0.0, "queries_without": 1.0}


def test_each_period_has_its_mean():
    rows = pa.table({name: pa.array(of, pa.float64()) for name, of in LABELS[DAYS.name].items()})
    assert counted(rows, DAYS, "mae", PERIOD, 3).by_period.tolist() == [0.5, 2.0, 1.0]


def test_a_missing_prediction_makes_a_loss_nan():
    rows = pa.table({"actual": [1.0, 0.0], "probability": pa.array([0.5, None], pa.float64())})
    assert np.isnan(counted(rows, IS_LATE, "log_loss", np.array([0, 1]), 2).of(np.ones((1, 2)))).all()
