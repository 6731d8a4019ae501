"""Metrics counted by period: over all periods they are the metrics, in a draw those of the drawn rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from pipelines.contracts.tasks import ByHash, Classify, Detect, Estimate, Events, Promote, Rank, Share
from pipelines.metrics.countings import counted, metrics_of
from pipelines.metrics.counts import MOST_EDGES, Levels
from pipelines.metrics.losses import as_loss, direction, loss_name
from pipelines.metrics.measures import alone, measures
from pipelines.metrics.tally import Tally

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
CLUSTERED = {"cluster": [0.0, 0.0, 1.0, 1.0, 0.0, 1.0]}
CASES = [(task, metric) for task in (DAYS, IS_LATE, IS_ODD, KIND) for metric in metrics_of(task)]


def rows_of(task, **more) -> pa.Table:
    return pa.table({name: pa.array(of, pa.float64()) for name, of in (LABELS[task.name] | more).items()})


@pytest.mark.parametrize(("task", "metric"), CASES, ids=[f"{task.name}-{metric}" for task, metric in CASES])
def test_over_all_periods_it_is_the_metric_and_in_a_draw_that_of_the_drawn_rows(task, metric):
    """The second source is the metric itself over rows that are there as often as they were drawn."""
    rows = rows_of(task, **(CLUSTERED if task is IS_ODD else {}))
    found = counted(Tally(rows, task, PERIOD, 3, scale=2.0), metric)
    assert found.of(np.ones((1, 3)))[0] == pytest.approx(alone(rows, task, scale=2.0)[metric])
    if metric == "calibration_error":  # whose tenths are those of all rows
        return
    again = alone(rows.take(DRAWN_ROWS), task, scale=2.0)[metric]
    assert found.of(DRAW)[0] == pytest.approx(again)


@pytest.mark.parametrize("task", [DAYS, IS_LATE, IS_ODD, KIND], ids=lambda task: task.name)
def test_every_metric_of_a_kind_can_be_drawn_but_what_the_task_says(task):
    rows = rows_of(task, **(CLUSTERED if task is IS_ODD else {}))
    assert set(alone(rows, task, scale=2.0)) - {"nominal_coverage"} == set(metrics_of(task))


def test_drawn_rows_stay_in_the_tenth_of_their_probability():
    """.9 twice and .2 twice, which were right but for .1 and .2; 1. right, .3 off by .3: by hand, of six drawn rows."""
    found = counted(Tally(rows_of(IS_LATE), IS_LATE, PERIOD, 3), "calibration_error")
    assert found.of(DRAW)[0] == pytest.approx((2 * 0.1 + 2 * 0.2 + 0.0 + 0.3) / 6)


def test_an_order_of_many_levels_is_drawn_nearly_as_it_is():
    """Of 3,000 rows with a score each; scikit-learn is asked for the drawn rows themselves."""
    chance = np.random.default_rng(8)
    score, period = chance.normal(size=3000), np.arange(3000) % 30
    actual = (score + 2.0 * chance.normal(size=3000) > 1.0) + 0.0
    counts = chance.multinomial(30, [1 / 30] * 30).astype(np.float64)
    rows = np.repeat(np.arange(3000), counts[period].astype(int))
    levels = Levels.of(actual, score, period, 30)
    assert actual.sum() > 3 * MOST_EDGES and len(levels.ones) <= 4 * MOST_EDGES + 1
    for found, second in (
        (levels.auc(), roc_auc_score(actual[rows], score[rows])),
        (levels.average_precision(), average_precision_score(actual[rows], score[rows])),
        (levels.recall_at(0.05), actual[rows][np.argsort(-score[rows])[: len(rows) // 20]].sum() / actual[rows].sum()),
    ):
        assert found.of(counts[None, :])[0] == pytest.approx(second, abs=0.005)


def test_the_disorder_of_a_period_is_that_of_its_rows_among_those_of_all():
    series = counted(Tally(rows_of(IS_ODD), IS_ODD, PERIOD, 3), "disorder").by_period
    odd, usual = {0: 0.9, 1: 0.4, 2: 0.2}, {0: 0.2, 1: 0.6, 2: 0.9}

    def wrong(one: float, other: float) -> float:
        return 1.0 if other > one else 0.5 if other == one else 0.0

    def of(period: int) -> float:
        pairs = [wrong(odd[period], other) for other in usual.values()]
        pairs += [wrong(one, usual[period]) for one in odd.values()]
        return sum(pairs) / len(pairs)

    assert series.tolist() == pytest.approx([of(period) for period in range(3)])


GRADED = pa.table(
    {"actual": [0.0, 2.0, 0.0, 0.0, 1.0, 3.0], "score": [0.9, 0.2, 0.6, 0.4, 0.5, 0.3]}
    | {"job": ["b", "b", "a", "a", "c", "c"]}
)


@pytest.mark.parametrize("metric", metrics_of(GRADE))
def test_a_gain_is_of_the_queries_of_a_period_or_draw_that_have_a_relevant_row(metric):
    gain = counted(Tally(GRADED, GRADE, PERIOD, 3), metric)
    over, under = gain.sums
    assert under.tolist() == [1.0, 0.0, 1.0]
    assert gain.of(np.ones((1, 3)))[0] == pytest.approx(measures(GRADED, GRADED, GRADE)[metric])
    twice = (2.0 * over[0] + over[2]) / 3.0
    assert gain.of(DRAW)[0] == pytest.approx(twice)
    assert np.isnan(gain.by_period).tolist() == [False, True, False]


def test_every_metric_of_an_order_can_be_drawn_but_how_many_queries_there_are():
    assert set(alone(GRADED, GRADE)) - {"queries", "queries_without"} == set(metrics_of(GRADE))


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
    assert counted(Tally(rows_of(DAYS), DAYS, PERIOD, 3), "mae").by_period.tolist() == [0.5, 2.0, 1.0]


@pytest.mark.parametrize("task", [DAYS, IS_LATE, IS_ODD, KIND], ids=lambda task: task.name)
def test_a_missing_prediction_makes_every_metric_nan(task):
    rows = rows_of(task)
    for output in task.outputs:
        lacking = pa.array([None, *rows[output].to_pylist()[1:]], pa.float64())
        rows = rows.set_column(rows.column_names.index(output), output, lacking)
    tally = Tally(rows, task, PERIOD, 3, scale=2.0)
    drawn = {name: counted(tally, name).of(np.ones((1, 3)))[0] for name in metrics_of(task) if name != "ari"}
    assert all(np.isnan(of) for name, of in drawn.items() if name != "base_rate"), drawn
