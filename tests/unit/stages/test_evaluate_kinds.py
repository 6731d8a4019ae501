"""evaluate for the kinds of tasks that give neither a number nor the probability of one thing."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pyarrow as pa
import pytest

from pipelines.contracts.fits import FitError
from pipelines.contracts.monitors import ScoreMonitor
from pipelines.contracts.tasks import Classify, Detect, Promote, Rank
from pipelines.stages.evaluate import evaluate
from tests.backtests import EVENTS, predictions
from tests.toy_domains.press.domain import ODD as PRESS

IS_ODD = Detect(column="is_odd", promote=Promote("disorder", "base_rate", by=0.1), **EVENTS)
KIND = Classify(column="kind", classes=("a", "b", "c"), promote=Promote("error_rate", "base_rate", by=0.1), **EVENTS)


def test_scores_are_judged_by_the_labels_that_came_late():
    scores = [("calibrate", 1, 1.0, 0.9), ("calibrate", 1, 0.0, 0.1), ("test", 1, None, 0.99)]
    scores += [("test", 1, 1.0, 0.8), ("test", 1, 0.0, 0.9), ("test", 1, 0.0, 0.2), ("test", 1, 0.0, 0.1)]
    same = [(*row[:3], 0.5) for row in scores]
    found = evaluate(
        {"linear": predictions(IS_ODD.outputs, *scores), "base_rate": predictions(IS_ODD.outputs, *same)}, IS_ODD
    )["linear"]
    assert found.gate["disorder"] == 0.0
    wanted = {"disorder": 1 / 3, "naive_disorder": 0.5, "skill": 1 / 3, "average_precision": 0.5, "base_rate": 0.25}
    assert {name: found.metrics[name] for name in wanted} == pytest.approx(wanted)
    assert found.calibration.shifts == {}


def test_a_score_is_judged_as_a_monitor_besides_by_slice_too():
    """Two presses, a reading an hour: a's failure is announced 2 hours before, b's by nothing; the naive is silent."""
    task = replace(PRESS, monitor=ScoreMonitor("press_id", limit=0.8, horizon=timedelta(hours=3)))
    of_a = [(0.0, 0.1), (0.0, 0.9), (0.0, 0.2), (1.0, 0.3), (0.0, 0.1), (0.0, 0.1), (0.0, 0.1)]
    of_b = [(0.0, 0.9), (0.0, 0.1), (0.0, 0.1), (0.0, 0.1), (1.0, 0.1), (0.0, 0.1), (0.0, 0.1)]
    scores = [("calibrate", 1, 1.0, 0.9), ("calibrate", 1, 0.0, 0.1), *[("test", 1, *of) for of in of_a + of_b]]
    press = pa.array(["a", "a", *["a"] * 7, *["b"] * 7])
    rows, silent = (
        predictions(task.outputs, *of).rename_columns({"work_id": "reading_id"}).append_column("press_id", press)
        for of in (scores, [(*row[:3], 0.5) for row in scores])
    )
    found = evaluate({"isolation_forest": rows, "constant": silent}, task, ("press_id",))["isolation_forest"]
    wanted = {"alarms/precision": 0.5, "alarms/recall": 0.5, "alarms/lead": 2.0, "naive_alarms/recall": 0.0}
    assert {name: found.metrics[name] for name in wanted} == wanted
    assert found.metrics["naive_alarms/count"] == 0.0
    assert "naive_alarms/precision" not in found.metrics
    whole, a, b = found.slices
    assert (whole["alarms/recall"], a["alarms/recall"], b["alarms/recall"]) == (0.5, 1.0, 0.0)
    assert (a["alarms/lead"], b["alarms/precision"]) == (2.0, 0.0) and "alarms/lead" not in b
    assert whole["alarms/recall_minus_naive"] == 0.5


def test_clusters_are_told_beside_the_labels():
    scores = [("calibrate", 1, 1.0, 0.9), ("calibrate", 1, 0.0, 0.1)]
    scores += [("test", 1, 1.0, 0.9), ("test", 1, 1.0, 0.8), ("test", 1, 0.0, 0.2), ("test", 1, 0.0, 0.1)]
    rows = predictions(IS_ODD.outputs, *scores)
    clustered = rows.append_column("cluster", pa.array([0, 1, 0, 0, 1, 2], pa.int32()))
    found = evaluate({"linear": clustered, "base_rate": rows}, IS_ODD)
    assert found["linear"].metrics["ari"] == found["linear"].slices[0]["ari"] == pytest.approx(4 / 7)
    assert found["linear"].backtest["cluster"].to_pylist() == [0, 1, 0, 0, 1, 2]
    assert "ari" not in found["base_rate"].metrics


def test_several_classes_are_judged_by_the_one_that_is_named():
    sure = [
        ("calibrate", 1, 0.0, 0.8, 0.1, 0.1),
        ("calibrate", 1, 2.0, 0.2, 0.2, 0.6),
        ("test", 1, None, 1.0, 0.0, 0.0),
    ]
    sure += [("test", 1, 0.0, 0.5, 0.3, 0.2), ("test", 1, 1.0, 0.5, 0.4, 0.1), ("test", 1, 2.0, 0.1, 0.1, 0.8)]
    shares = [(*row[:3], 0.5, 0.25, 0.25) for row in sure]
    found = evaluate(
        {"linear": predictions(KIND.outputs, *sure), "base_rate": predictions(KIND.outputs, *shares)}, KIND
    )["linear"]
    assert found.gate["error_rate"] == 0.0
    log_loss = -(math.log(0.5) + math.log(0.4) + math.log(0.8)) / 3
    naive = -(math.log(0.5) + 2 * math.log(0.25)) / 3
    wanted = {"accuracy": 2 / 3, "error_rate": 1 / 3, "naive_accuracy": 1 / 3, "log_loss": log_loss}
    assert {name: found.metrics[name] for name in wanted} == pytest.approx(wanted)
    assert found.metrics["skill"] == pytest.approx(1.0 - log_loss / naive)


def test_a_label_that_is_no_class_is_named():
    spans = (("calibrate", 0.0), ("calibrate", 3.0), ("test", 0.0))
    certain = [(span, 1, label, 1.0, 0.0, 0.0) for span, label in spans]
    rows = predictions(KIND.outputs, *certain)
    with pytest.raises(FitError, match=r"classes are judged by labels of two or more of a, b, c; .* has: a, none of"):
        evaluate({"linear": rows, "base_rate": rows}, KIND)


GRADE = Rank(column="grade", query="job", top=2, promote=Promote("ndcg", "base_rate", by=0.1), **EVENTS)


def of_jobs(jobs: str, *rows: tuple) -> pa.Table:
    return predictions(GRADE.outputs, *rows).append_column("job", pa.array([*jobs]))


def test_an_order_is_judged_query_by_query_beside_the_baselines():
    graded = [("calibrate", 1, 2.0, 0.9), ("calibrate", 1, 0.0, 0.1), ("test", 1, None, 9.0)]
    graded += [("test", 1, 0.0, 0.8), ("test", 1, 1.0, 0.9), ("test", 1, 0.0, 0.2), ("test", 1, 3.0, 0.1)]
    graded += [("test", 1, 0.0, 0.8), ("test", 1, 0.0, 0.9)]
    jobs = "xxyyyzzuu"
    same = [(*row[:3], 0.0) for row in graded]
    found = evaluate({"linear": of_jobs(jobs, *graded), "base_rate": of_jobs(jobs, *same)}, GRADE)["linear"]
    second = 1 / math.log2(3)  # what the second place counts
    assert found.gate["ndcg"] == 1.0
    wanted = {"ndcg": (1 + second) / 2, "naive_ndcg": second, "ndcg_at_1": 0.5, "mrr": 0.75, "map": 0.75}
    wanted |= {"queries": 2.0, "queries_without": 1.0, "skill": (1 + second) / 2 / second - 1}
    assert {name: found.metrics[name] for name in wanted} == pytest.approx(wanted)
    assert found.metrics["interval/ndcg_minus_naive"] == pytest.approx((1 - second) / 2)
    assert found.metrics["interval/ndcg_skill"] == pytest.approx(wanted["skill"])
    assert found.backtest["job"].to_pylist() == [*jobs.replace("y", "", 1)]
    assert found.slices[0]["ndcg"] == found.metrics["ndcg"]


def test_intervals_draw_whole_queries():
    """Of a hundred queries of ten rows each, all alike, a draw of rows would be surer than there is reason to be."""
    graded = [("calibrate", 1, 1.0, 0.9)] * 2
    graded += [("test", 1, float(n % 10 == n // 10 % 2), -float(n % 10)) for n in range(1000)]
    rows = predictions(GRADE.outputs, *graded).append_column(
        "job", pa.array(["x"] * 2 + [f"j{n // 10}" for n in range(1000)])
    )
    found = evaluate({"linear": rows, "base_rate": rows}, GRADE)["linear"]
    low, high = (found.metrics[f"interval/ndcg_{end}"] for end in ("low", "high"))
    mean, spread = found.metrics["ndcg"], (1 - 1 / math.log2(3)) / 2
    assert (mean - low, high - mean) == pytest.approx((1.96 * spread / 10,) * 2, rel=0.1)


@pytest.mark.parametrize("labels", [(0.0, 0.0), (0.0, 1.5), (-1.0, 2.0), (0.0, 32.0)])
def test_labels_that_are_no_relevance_cannot_judge_an_order(labels):
    rows = of_jobs("xx", *[("calibrate", 1, label, 0.5) for label in labels])
    with pytest.raises(FitError, match="whole numbers from 0 to 31, some above 0; the calibrate span"):
        evaluate({"linear": rows, "base_rate": rows}, GRADE)
