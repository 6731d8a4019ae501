from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from tiny_gold import FRAME, plan_for

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.fits import TargetFeatures
from pipelines.models.linear import Linear

CUTS = [datetime(2024, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)]
HOURS = replace(
    FRAME,
    targets=(TargetFeatures("", "", (Calendar(("time_of_day",)),)),),
    windows=(),
    cut_off_features=("mean",),
    steps=2,
    step=timedelta(hours=1),
)


def test_a_number_is_a_slope_an_hour_of_the_day_a_level_and_a_missing_number_its_mean():
    """label = 10 · mean + 100 in the second hour."""
    rows = pa.table(
        {
            "region_id": ["a"] * 4,
            "cut_at": pa.array(CUTS, pa.timestamp("us", "UTC")),
            "mean": [1.0, 2.0, 3.0, 4.0],
            "calendar__time_of_day": [[0.0, 1.0]] * 4,
            "label": [[10.0 * n, 10.0 * n + 100.0] for n in (1, 2, 3, 4)],
        }
    )
    plan = replace(plan_for("linear", {}, ridge=1e-9), frame=replace(HOURS, cut_off_features=("mean",)))
    result = Linear().fit(rows, rows, plan, None)
    asked = rows.slice(0, 2).set_column(2, "mean", pa.array([6.0, None]))
    predicted = Linear().scorer(result.model).predict(asked)["q50"].to_pylist()
    assert predicted == pytest.approx([60.0, 160.0, 25.0, 125.0], abs=1e-4)
    names = [(term["feature"], term["value"]) for term in json.loads(result.model)["terms"]]
    assert names == [("step", None), ("mean", None), ("calendar__time_of_day", 1.0)]
