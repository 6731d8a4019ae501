from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from tiny_gold import FRAME, plan_for

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.features import Lag
from pipelines.contracts.fits import FitError, TargetFeatures
from pipelines.contracts.names import DeclarationError
from pipelines.models.lear import Lear

FIRST = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday
YESTERDAY = "load_mw__lag_24h"
WAVES = np.random.default_rng(1).normal(0.0, 1.0, (80, 3))
FRAME_OF_THREE = replace(
    FRAME,
    steps=3,
    cut_off_features=(),
    targets=(
        TargetFeatures("gold.tiny_load", "region_id", (Lag("load_mw", (24,)),)),
        TargetFeatures("", "", (Calendar(("weekday",)),)),
    ),
)


def days(lags, labels):
    rows = len(lags)
    weekday = [[float(day % 7)] * 3 for day in range(rows)]
    numbers = {YESTERDAY: lags, "calendar__weekday": weekday, "label": labels}
    return pa.table(
        {
            "region_id": ["a"] * rows,
            "cut_at": pa.array([FIRST + timedelta(days=day) for day in range(rows)], pa.timestamp("us", "UTC")),
            **{name: pa.array(np.asarray(v, float).tolist(), pa.list_(pa.float64())) for name, v in numbers.items()},
        }
    )


def medians(train, asked, windows="80"):
    plan = replace(plan_for("lear", {}, windows=windows), frame=FRAME_OF_THREE)
    model = Lear().fit(train, train, plan, None).model
    return np.asarray(Lear().scorer(model).predict(asked)["q50"]).reshape(-1, 3)


def test_each_step_sees_what_is_known_of_the_other_steps():
    noise = np.random.default_rng(2).normal(0.0, 0.01, WAVES.shape)
    labels = np.stack([WAVES[:, 2], -WAVES[:, 0], np.zeros(80)], axis=1) + noise
    told = medians(days(WAVES[:70], labels[:70]), days(WAVES[70:], labels[70:]))
    assert np.abs(told - labels[70:]).max() < 0.3
    assert np.abs(told - labels[70:]).mean() < 0.1


def test_a_day_of_the_week_has_a_level_of_its_own():
    labels = np.repeat(np.where(np.arange(80) % 7 == 6, -5.0, 5.0), 3).reshape(80, 3) + WAVES[::-1]
    told = medians(days(WAVES[:77], labels[:77]), days(WAVES[:7], labels[:7]))
    assert told[6].mean() == pytest.approx(-5.0, abs=1.0)
    assert told[:6].mean() == pytest.approx(5.0, abs=1.0)


def test_a_window_holds_the_newest_cut_offs_and_several_windows_are_averaged():
    labels = np.repeat(np.where(np.arange(80) < 60, 100.0, 200.0), 3).reshape(80, 3) + WAVES
    train, asked = days(WAVES, labels), days(WAVES[:1], labels[:1])
    short, long = medians(train, asked, "20"), medians(train, asked, "80")
    assert short == pytest.approx(200.0, abs=3.0) and long.max() < 190.0
    assert medians(train, asked, "20,80") == pytest.approx((short + long) / 2)


def test_more_days_than_there_are_give_one_model_of_all():
    train, asked = days(WAVES, WAVES), days(WAVES[:1], WAVES[:1])
    assert (medians(train, asked, "80") == medians(train, asked, "1092,1456")).all()


def test_a_missing_value_counts_as_the_median():
    train = days(WAVES, WAVES)
    middle = np.median(WAVES, axis=0)
    asked = days([[np.nan] * 3, middle], [[0.0] * 3] * 2).set_column(
        3, "calendar__weekday", train["calendar__weekday"][:2]
    )
    told = medians(train.set_column(3, "calendar__weekday", pa.array([[0.0] * 3] * 80)), asked)
    assert told[0] == pytest.approx(told[1])


def test_days_without_all_labels_teach_nothing_and_too_few_are_told():
    labels = WAVES.copy()
    labels[2:, 1] = np.nan
    with pytest.raises(FitError, match="2 cut-offs of the train span have a label at every step; it needs 3"):
        medians(days(WAVES, labels), days(WAVES, labels))


@pytest.mark.parametrize("windows", ["", "84;1092", "2", "84,-1"])
def test_windows_are_numbers_of_days(windows):
    with pytest.raises(DeclarationError, match="'windows' are numbers of 3 or more with commas"):
        Lear().settled({"windows": windows})
