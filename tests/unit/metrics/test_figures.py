"""What a picture must show whoever looks at it: subject, units, the naive baseline, the figures that it states."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from matplotlib.figure import Figure

from pipelines.contracts.fits import CurvePoint
from pipelines.metrics.figures import error_by_step, forecast_fan, importance, learning_curves, residuals

WORDS = {"model": "xgboost", "subject": "Load, Victoria", "unit": "MW"}
AT = [datetime(2014, 11, 3, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(4)]
ACTUAL = np.array([10.0, 20.0, 30.0, np.nan])
MEDIAN = np.array([12.0, 20.0, 27.0, 40.0])
NAIVE = np.array([20.0, 20.0, 10.0, 40.0])


def fan(actual: np.ndarray) -> Figure:
    return forecast_fan(AT, actual, {0.1: MEDIAN - 2, 0.5: MEDIAN, 0.9: MEDIAN + 2}, NAIVE, **WORDS)


FIGURES = {
    "forecast_fan": fan(ACTUAL),
    "residuals": residuals(ACTUAL, MEDIAN, NAIVE, np.array([0.0, 0.5, 1.0, 1.5]), **WORDS),
    "error_by_step": error_by_step(np.array([2.0, 4.0]), np.array([4.0, 8.0]), hours_a_step=0.5, **WORDS),
    "importance": importance({"lag": 3.0, "step": 1.0}, model="xgboost", subject="Load, Victoria"),
    "learning_curves": learning_curves(
        [CurvePoint("train/pinball", 0, 5.0), CurvePoint("validate/pinball", 0, 6.0)],
        best_step=0,
        model="lstm",
        subject="Load, Victoria",
        step_name="epoch",
    ),
}


def words(figure: Figure) -> str:
    """Everything written on a figure."""
    written = [figure.get_suptitle()]
    for axes in figure.axes:
        written += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
    written += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return " | ".join(text for text in written if text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "forecast_fan",
            "Load, Victoria: forecast against actual, 67% of actual values in the band | time (UTC) | MW | "
            "xgboost, 80% interval | xgboost, median | naive | actual",
        ),
        (
            "residuals",
            "Load, Victoria: errors of xgboost and of the naive forecast | How far off | "
            "error, predicted − actual (MW) | share of forecasts (%) | At what time of day | hour of day | "
            "mean absolute error (MW) | xgboost | naive",
        ),
        (
            "error_by_step",
            "Load, Victoria: xgboost errs 50% less than naive | hours after the cut-off | "
            "mean absolute error (MW) | naive | xgboost",
        ),
        ("importance", "Load, Victoria: what xgboost leans on | share of the gain (%)"),
        (
            "learning_curves",
            "Load, Victoria: how lstm learnt | epoch | loss | train (pinball) | validate (pinball) | kept: epoch 0",
        ),
    ],
)
def test_a_picture_says_what_it_shows(name: str, expected: str) -> None:
    assert words(FIGURES[name]) == expected


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_picture_can_be_saved(name: str) -> None:
    png = io.BytesIO()
    FIGURES[name].savefig(png, dpi=150)
    assert png.getvalue().startswith(b"\x89PNG")


def test_a_forecast_whose_truth_is_not_known_yet_claims_nothing() -> None:
    title = fan(np.full(4, np.nan)).axes[0].get_title(loc="left")
    assert title == "Load, Victoria: forecast against actual"


def test_a_model_that_is_worse_than_naive_is_said_to_be() -> None:
    worse = error_by_step(np.array([6.0]), np.array([4.0]), hours_a_step=1.0, **WORDS)
    assert worse.axes[0].get_title(loc="left") == "Load, Victoria: xgboost errs 50% more than naive"


def test_errors_by_hour_are_the_mean_of_that_hour() -> None:
    _, by_hour = FIGURES["residuals"].axes
    model, naive = by_hour.get_lines()
    assert model.get_xydata().tolist() == [[0.0, 1.0], [1.0, 3.0]]
    assert naive.get_xydata().tolist() == [[0.0, 5.0], [1.0, 20.0]]


def test_only_the_largest_features_are_drawn_and_that_is_said() -> None:
    many = importance({f"feature_{i}": float(i) for i in range(20)}, model="xgboost", subject="Load")
    axes = many.axes[0]
    assert axes.get_title(loc="left") == "Load: what xgboost leans on (the 15 largest of 20)"
    assert axes.get_yticklabels()[-1].get_text() == "feature_19"


def test_no_global_state_of_matplotlib_is_touched() -> None:
    program = "import sys; import pipelines.metrics.figures; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
