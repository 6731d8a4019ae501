"""What a picture must show whoever looks at it: subject, units, the naive baseline, the figures that it states."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from pipelines.contracts.fits import CurvePoint
from pipelines.metrics.canvas import canvas, dated
from pipelines.metrics.coverage_figures import coverage_over_time
from pipelines.metrics.entity_figures import skill_by_entity
from pipelines.metrics.error_figures import coverage_by_size, residuals, residuals_by_size
from pipelines.metrics.figures import error_by_step, forecast_fan, importance, learning_curves
from pipelines.metrics.probability_figures import confusion, precision_recall, probabilities_by_label, reliability, roc
from pipelines.metrics.slice_figures import by_slice

WORDS = {"model": "xgboost", "subject": "Load, Victoria", "unit": "MW"}
AT = [datetime(2014, 11, 3, tzinfo=UTC) + timedelta(minutes=30 * step) for step in range(4)]
ACTUAL = np.array([10.0, 20.0, 30.0, np.nan])
MEDIAN = np.array([12.0, 20.0, 27.0, 40.0])
NAIVE = np.array([20.0, 20.0, 10.0, 40.0])


def fan(actual: np.ndarray) -> Figure:
    return forecast_fan(AT, actual, {0.1: MEDIAN - 2, 0.5: MEDIAN, 0.9: MEDIAN + 2}, NAIVE, **WORDS)


LATE = {"model": "xgboost", "subject": "is_late"}
# 20 cases, the five most probable of them late, and one whose answer is not known
IS_LATE = np.array([0.0] * 15 + [1.0] * 5 + [np.nan])
GIVEN = np.concatenate([np.arange(20) / 20 + 0.004, [0.99]])
NAIVE_GIVEN = np.full(21, 0.25)
# 1,000 cases, one of them fraud, which came third by probability
IS_FRAUD = np.eye(1, 1000, 997)[0]
SUSPECT = np.arange(1, 1001) / 100_000

FIGURES = {
    "forecast_fan": fan(ACTUAL),
    "residuals": residuals(ACTUAL, MEDIAN, NAIVE, np.array([0.0, 0.5, 1.0, 1.5]), **WORDS),
    "residuals_by_size": residuals_by_size(ACTUAL, MEDIAN, NAIVE, **WORDS),
    "coverage_by_size": coverage_by_size(
        ACTUAL,
        {0.1: MEDIAN - 2, 0.5: MEDIAN, 0.9: MEDIAN + 2},
        {0.1: NAIVE - 9, 0.5: NAIVE, 0.9: NAIVE + 9},
        **WORDS,
    ),
    "precision_recall": precision_recall(IS_LATE, GIVEN, NAIVE_GIVEN, **LATE),
    "roc": roc(IS_LATE, GIVEN, NAIVE_GIVEN, **LATE),
    "confusion": confusion(IS_LATE, GIVEN, **LATE),
    "reliability": reliability(IS_LATE, GIVEN, NAIVE_GIVEN, **LATE),
    "probabilities": probabilities_by_label(IS_LATE, GIVEN, **LATE),
    "precision_recall of the rare": precision_recall(IS_FRAUD, SUSPECT, SUSPECT, **LATE),
    "reliability of the rare": reliability(IS_FRAUD, SUSPECT, SUSPECT, **LATE),
    "probabilities of the rare": probabilities_by_label(IS_FRAUD, SUSPECT, **LATE),
    "error_by_step": error_by_step(np.array([2.0, 4.0]), np.array([4.0, 8.0]), hours_a_step=0.5, **WORDS),
    "skill_by_entity": skill_by_entity(
        np.array([0.5, 0.4, -0.1]), np.array([-3.0]), entity="region_id", model="linear", subject="Load, Victoria"
    ),
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
            "skill_by_entity",
            "Load, Victoria: linear beats naive for 2 of 4 entities | "
            "skill: the part of the naive error that is saved, test span | entities (region_id) | "
            "a model of its own (3) | the pooled model (1) | no better than naive | median +15%",
        ),
        (
            "residuals",
            "Load, Victoria: errors of xgboost and of the naive forecast | How far off | "
            "error, predicted − actual (MW) | share of predictions (%) | At what time of day | hour of day | "
            "mean absolute error (MW) | xgboost | naive",
        ),
        (
            "residuals_by_size",
            "Load, Victoria: errors of xgboost and of the naive estimate | How far off | "
            "error, predicted − actual (MW) | share of predictions (%) | At what predicted size | "
            "predicted by xgboost (MW), tenths of the cases | mean absolute error (MW) | xgboost | naive",
        ),
        (
            "coverage_by_size",
            "Load, Victoria: the 80% interval of xgboost held 67% of the actual values | "
            "Is the promise kept at every size? | predicted by xgboost (MW), tenths of the cases | "
            "actual values in the interval (%) | What it costs in width | "
            "predicted by xgboost (MW), tenths of the cases | mean width of the interval (MW) | "
            "xgboost | naive | promised: 80%",
        ),
        (
            "precision_recall",
            "is_late: average precision 1.000 with xgboost, 4.0 times the base rate (naive 0.250) | "
            "share of all yes that are found: recall (%) | yes among the flagged: precision (%) | "
            "xgboost, average precision 1.000 | naive, average precision 0.250 | base rate 25%",
        ),
        (
            "roc",
            "is_late: of a yes and a no, xgboost puts the yes first in 100%,\n"
            "the naive baseline in 50% of all pairs (AUC) | "
            "share of all no that are flagged: false alarms (%) | share of all yes that are found: recall (%) | "
            "xgboost, AUC 1.000 | naive, AUC 0.500 | chance, AUC 0.500",
        ),
        ("confusion", "is_late: 100% of the yes flagged by xgboost, with as many flagged | what came"),
        (
            "reliability",
            "is_late: xgboost predicts 48% on average, 25% came true; groups are off by 28 points | "
            "tenths of the cases by predicted probability: its mean, and the number of cases | probability (%) | "
            "predicted, naive | predicted, xgboost | came true, with 95% interval",
        ),
        (
            "probabilities",
            "is_late: xgboost gives the middle yes 85%, the middle no 35% | predicted probability of yes (%) | "
            "share of the yes, of the no (%) | turned out no: 15 cases | turned out yes: 5 cases",
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
    program = "import sys; import pipelines.runner.pictures; print('matplotlib.pyplot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def lines(figure: Figure, axes: int = 0) -> dict[str, list[list[float]]]:
    """The points of every line that the legend names."""
    drawn = figure.axes[axes].get_lines()
    named = {str(line.get_label()): np.round(line.get_xydata(), 3).tolist() for line in drawn}
    return {name: points for name, points in named.items() if not name.startswith("_")}


def test_errors_by_size_are_the_mean_of_that_size():
    _, by_size = FIGURES["residuals_by_size"].axes
    model, naive = by_size.get_lines()
    assert model.get_xydata().tolist() == [[12.0, 2.0], [20.0, 0.0], [27.0, 3.0]]
    assert naive.get_xydata().tolist() == [[12.0, 10.0], [20.0, 0.0], [27.0, 20.0]]


def test_coverage_by_size_counts_both_ends_and_stands_beside_its_width():
    held, wide = (lines(FIGURES["coverage_by_size"], axes) for axes in (0, 1))
    assert held["xgboost"] == [[12.0, 100.0], [20.0, 100.0], [27.0, 0.0]]
    assert held["naive"] == [[12.0, 0.0], [20.0, 100.0], [27.0, 0.0]]
    assert wide == {"xgboost": [[12.0, 4.0], [20.0, 4.0], [27.0, 4.0]], "naive": [[x, 18.0] for x in (12, 20, 27)]}


def test_a_baseline_that_knows_no_difference_finds_at_the_base_rate():
    drawn = lines(FIGURES["precision_recall"])
    assert drawn["naive, average precision 0.250"] == [[100.0, 25.0], [0.0, 25.0]]
    assert drawn["xgboost, average precision 1.000"][0] == [100.0, 100.0]


def test_precision_is_that_of_the_case_found():
    found = lines(FIGURES["precision_recall of the rare"])["xgboost, average precision 0.333"]
    assert found == [[100.0, 33.333], [0.0, 33.333]]


def test_reliability_has_the_share_and_the_number_of_each_tenth():
    figure = FIGURES["reliability"]
    assert lines(figure)["predicted, xgboost"] == [[n, 10.0 * n + 2.9] for n in range(10)]
    ticks = [label.get_text() for label in figure.axes[0].get_xticklabels()]
    assert (ticks[0], ticks[9]) == ("2.9%\n2", "93%\n2")


def test_probabilities_of_what_is_rare_are_drawn_on_a_logarithmic_axis():
    assert FIGURES["precision_recall of the rare"].axes[0].get_yscale() == "log"
    assert FIGURES["reliability of the rare"].axes[0].get_yscale() == "log"
    assert FIGURES["probabilities of the rare"].axes[0].get_xscale() == "log"
    assert words(FIGURES["reliability of the rare"]).endswith("with 95% interval (no mark: none did)")


def test_only_answers_that_are_known_are_counted():
    with_and_without = [roc(IS_LATE[:n], GIVEN[:n], NAIVE_GIVEN[:n], **LATE) for n in (20, 21)]
    assert words(with_and_without[0]) == words(with_and_without[1])


def test_coverage_over_time_is_that_of_the_seven_periods_up_to_each():
    hours = np.arange(8, dtype=np.int64) * 3_600_000_000
    held = {"split": np.array([True] * 4 + [False] * 4), "adaptive": np.ones(8, bool)}
    drawn = coverage_over_time(hours, held, nominal=0.8, **LATE)
    shares = {str(line.get_label()): line.get_ydata() for line in drawn.axes[0].get_lines()}
    assert shares["split: 50% in all"] == pytest.approx([100, 100, 100, 100, 80, 400 / 6, 400 / 7, 300 / 7])
    assert shares["adaptive: 100% in all"] == pytest.approx([100] * 8)
    assert words(drawn).startswith("is_late: what the 80% interval of xgboost holds as time goes on | cut-off (UTC)")


def test_a_loss_by_slice_stands_with_its_interval_beside_the_naive_one():
    whole = {
        "slice": "all",
        "group": "",
        "rows": 9,
        "mae": 2.0,
        "mae_low": 1.5,
        "mae_high": 3.0,
        "mae_minus_naive": -1.0,
    }
    parts = [
        whole | {"slice": "step", "group": "1", "mae": 1.0},
        whole | {"slice": "step", "group": "2", "mae": 3.0},
        whole | {"slice": "kind", "group": "tug", "mae": 2.0},
        {"slice": "kind", "group": "raft", "rows": 1},  # no loss is defined there
    ]
    drawn = by_slice([whole, *parts], "mae", **WORDS)
    assert words(drawn) == (
        "Load, Victoria: mae of xgboost: 2, 95% interval 1.5 to 3 | step | mae (MW) | kind | mae (MW) | "
        "naive | xgboost, all rows | xgboost, with 95% interval"
    )
    assert drawn.axes[0].get_lines()[-2].get_xydata().tolist() == [[1.0, 2.0], [2.0, 4.0]]


@given(hours=st.floats(1, 24 * 365 * 20))
@example(hours=4.5 * 24)  # matplotlib's own choice of ticks has none for this, and tells whoever runs a fit
def test_dates_of_any_span_have_a_few_ticks_and_no_warning(hours: float):
    _, axes = canvas(9.0, 4.2)
    dated(axes)
    axes.set_xlim(datetime(2014, 2, 11, 7), datetime(2014, 2, 11, 7) + timedelta(hours=hours))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert 2 <= len(axes.xaxis.get_major_locator()()) <= 12
