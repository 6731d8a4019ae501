"""Which pictures a family gets follows from the kind of question."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from pipelines.contracts.fits import Calibration, CurvePoint, FitResult
from pipelines.contracts.tasks import Promote, Rank, utc
from pipelines.runner.pictures import pictures
from pipelines.stages.evaluate import Evidence
from tests.backtests import DAYS, EVENTS, IS_LATE
from tests.toy_domains.mill.domain import DOMAIN

FLOW = DOMAIN.tasks[0]
TREES = FitResult(b"", "ubj", (CurvePoint("train/loss", 0, 1.0),), {"age": 1.0}, best_step=0)


def evidence(family: str, backtest: dict[str, list], steps: int = 0) -> Evidence:
    at = pa.array(backtest.pop("cut_at"), pa.timestamp("us", tz="UTC"))
    table = pa.table({"cut_at": at, "target_at": at, **backtest})
    return Evidence(family, Calibration({}, "January"), {}, {}, np.ones(steps), table)


def about_events(order: list[int], **outputs: list[float]) -> dict[str, list]:
    """Four events of the test span and one of the calibrate span, in this order."""
    columns = {
        "work_id": ["a", "b", "c", "d", "e"],
        "cut_at": [utc("2024-02-01")] * 5,
        "step": [1] * 5,
        "split": ["test"] * 4 + ["calibrate"],
        "actual": [0.0, 0.0, 1.0, 1.0, 1.0],
        **outputs,
    }
    return {name: [values[n] for n in order] for name, values in columns.items()}


def test_a_probability_is_shown_by_its_curves_beside_the_baselines_row_by_row():
    seen = evidence("linear", about_events([4, 2, 0, 3, 1], probability=[0.2, 0.4, 0.3, 0.9, 0.0]))
    naive = evidence("base_rate", about_events([0, 1, 2, 3, 4], probability=[0.1, 0.2, 0.3, 0.4, 0.0]))
    drawn = pictures(DOMAIN, IS_LATE, seen, naive, FitResult(b"", "json"))
    assert list(drawn) == ["precision_recall", "roc", "confusion", "reliability", "probabilities"]
    title = (
        "is_late: of a yes and a no, linear puts the yes first in 75%,\nthe naive baseline in 100% of all pairs (AUC)"
    )
    assert drawn["roc"].axes[0].get_title(loc="left") == title


def test_an_order_is_shown_by_the_places_that_are_looked_at():
    grade = Rank(column="grade", query="job", top=2, promote=Promote("ndcg", "base_rate", by=0.05), **EVENTS)
    jobs = {"job": ["x", "x", "y", "y", "z"]}
    seen = evidence("linear", about_events([4, 2, 0, 3, 1], score=[0.2, 0.4, 0.3, 0.9, 0.0], **jobs))
    naive = evidence("base_rate", about_events([0, 1, 2, 3, 4], score=[0.0] * 5, **jobs))
    drawn = pictures(DOMAIN, grade, seen, naive, FitResult(b"", "json", (CurvePoint("train/ndcg", 0, 0.5),)))
    assert list(drawn) == ["ndcg_by_places", "learning_curves"]
    model, baseline, _ = (line.get_ydata() for line in drawn["ndcg_by_places"].axes[0].get_lines())
    assert list(model) == list(baseline) == [1.0, 1.0]
    assert drawn["learning_curves"].axes[0].get_ylabel() == "NDCG"


def test_an_estimate_is_shown_by_size_and_has_no_fan():
    outputs = {"q10": [0.0] * 5, "q50": [0.0, 1.0, 2.0, 3.0, 9.0], "q90": [4.0] * 5}
    seen = evidence("linear", about_events([3, 1, 2, 0, 4], **outputs))
    naive = evidence("base_rate", about_events([0, 1, 2, 3, 4], **outputs))
    drawn = pictures(DOMAIN, DAYS, seen, naive, TREES)
    assert list(drawn) == ["residuals", "coverage", "importance", "learning_curves"]
    model, baseline = (line.get_xydata().tolist() for line in drawn["residuals"].axes[1].get_lines())
    assert model == baseline == [[0.0, 0.0], [1.0, 1.0], [2.0, 1.0], [3.0, 2.0]]


@pytest.mark.parametrize("steps", [1, 2])
def test_a_forecast_is_shown_for_one_entity_over_time(steps):
    task = replace(FLOW, steps=steps)
    rows = [(station, step) for station in ("a", "b") for step in range(1, steps + 1)]
    columns = {
        "station_id": [station for station, _ in rows],
        "cut_at": [utc("2024-02-05") + timedelta(hours=step) for _, step in rows],
        "step": [step for _, step in rows],
        "split": ["test"] * len(rows),
        "actual": [1.0 if station == "a" else 99.0 for station, _ in rows],
        **{name: [1.0] * len(rows) for name in task.outputs},
    }
    seen, naive = (evidence(family, dict(columns), steps) for family in ("linear", "seasonal_naive"))
    drawn = pictures(DOMAIN, task, seen, naive, FitResult(b"", "json"))
    assert list(drawn) == ["forecast", "residuals", "error_by_step"][: 1 + steps]
    title = "flow_m3s: forecast against actual, 100% of actual values in the band"
    assert drawn["forecast"].axes[0].get_title(loc="left") == title
