from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest
from tiny_gold import FRAME, plan_for

from pipelines.contracts.features import History, Lag
from pipelines.contracts.fits import FitError, TargetFeatures
from pipelines.models.seasonal_naive import SeasonalNaive

CUT = datetime(2024, 1, 10, tzinfo=UTC)


def fit_and_predict(frame, train, asked, season_steps=2):
    plan = replace(plan_for("seasonal_naive", {}, season_steps=season_steps), frame=frame)
    family = SeasonalNaive()
    result = family.fit(table(train), table(train), plan, None)
    return family.scorer(result.model).predict(table(asked)).to_pylist()


def table(columns):
    rows = len(columns["label"])
    keys = {"region_id": ["a"] * rows, "cut_at": pa.array([CUT] * rows, pa.timestamp("us", "UTC"))}
    return pa.table(keys | {name: pa.array(values, pa.list_(pa.float64())) for name, values in columns.items()})


def frame_with(lags=(), history=0):
    targets = (TargetFeatures("gold.tiny_load", "region_id", (Lag("load_mw", lags),)),) if lags else ()
    windows = (TargetFeatures("gold.tiny_load", "region_id", (History("load_mw", history),)),) if history else ()
    return replace(FRAME, targets=targets, windows=windows, cut_off_features=(), steps=3, step=timedelta(hours=1))


def test_the_value_one_season_ago_else_the_nearest_season_before_it_else_the_mean():
    train = {"load_mw__lag_2h": [[1.0, 2.0, 3.0]], "load_mw__lag_4h": [[1.0] * 3], "label": [[1.0, 2.0, 3.0]]}
    asked = {
        "load_mw__lag_2h": [[5.0, None, None]],
        "load_mw__lag_4h": [[9.0, 6.0, None]],
        "label": [[None, None, None]],
    }
    predicted = fit_and_predict(frame_with((2, 4)), train, asked)
    assert [row["q50"] for row in predicted] == [5.0, 6.0, 2.0]


def test_a_history_gives_the_season_where_no_lag_does_and_never_what_comes_after_the_cut_off():
    train = {"load_mw__history_4h": [[1.0] * 4], "label": [[1.0] * 3]}
    asked = {"load_mw__history_4h": [[1.0, 2.0, 3.0, None]], "label": [[None] * 3]}
    predicted = fit_and_predict(frame_with(history=4), train, asked)
    # targets at +0, +1, +2 h: two hours before lie places 2, 3 and 4 of 0–3; the last two are missing, so four hours
    assert [row["q50"] for row in predicted] == [3.0, 2.0, 3.0]


def test_with_a_season_of_one_step_it_is_the_last_value_known_at_every_step():
    train = {"load_mw__history_4h": [[1.0] * 4], "label": [[1.0] * 3]}
    asked = {"load_mw__history_4h": [[1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 3.0, None]], "label": [[None] * 3] * 2}
    predicted = fit_and_predict(frame_with(history=4), train, asked, season_steps=1)
    assert [row["q50"] for row in predicted] == [4.0] * 3 + [3.0] * 3


def test_the_other_quantiles_are_those_of_the_training_errors():
    train = {"load_mw__lag_2h": [[0.0, 0.0, 0.0]], "label": [[-10.0, 0.0, 10.0]]}
    asked = {"load_mw__lag_2h": [[100.0] * 3], "label": [[None] * 3]}
    row = fit_and_predict(frame_with((2,)), train, asked)[0]
    assert (row["q10"], row["q50"], row["q90"]) == (pytest.approx(92.0), 100.0, pytest.approx(108.0))


def test_a_task_without_the_labels_past_is_told_what_to_add():
    plan = replace(plan_for("seasonal_naive", {}, season_steps=2), frame=frame_with((3,)))
    with pytest.raises(FitError, match=r"add a target view with Lag\('load_mw', hours=\(2,\)\)"):
        SeasonalNaive().fit(table({"label": [[1.0] * 3]}), table({"label": [[1.0] * 3]}), plan, None)
