"""From predictions to actions to what they were worth, on literal rows."""

from __future__ import annotations

import pytest

from pipelines.contracts.tasks import utc
from pipelines.domains import domain as domain_named
from pipelines.domains import policy
from pipelines.stages.decide import decide
from pipelines.stages.observe import freshness, realised, totals
from pipelines.stages.score import score
from tests.frames import frame, rows

ENERGY = domain_named("energy")
TASK = ENERGY.tasks[0]
KEY = "region_id string, cut_at timestamp, step int"
CUT = "2014-10-02 14:00"


@pytest.fixture(scope="module")
def scored(spark):
    """Champion's and baseline's predictions of three steps; the second has no value."""
    at = ["2014-10-02 14:00", "2014-10-02 14:30", "2014-10-02 15:00"]
    champion = frame(
        spark,
        f"{KEY}, target_at timestamp, q10 double, q50 double, q90 double, actual double",
        [
            ("VIC", CUT, 1, at[0], 4000.0, 4400.0, 4800.0, None),
            ("VIC", CUT, 2, at[1], None, None, None, None),
            ("VIC", CUT, 3, at[2], 5000.0, 5080.0, 5160.0, None),
        ],
    )
    baseline = frame(
        spark,
        f"{KEY}, target_at timestamp, q10 double, q50 double, q90 double, actual double",
        [("VIC", CUT, step, at[step - 1], 0.0, 4500.0, 9999.0, None) for step in (1, 2, 3)],
    )
    return score(
        ENERGY,
        TASK,
        champion,
        baseline,
        family="xgboost",
        model="energy-load_mw",
        model_version=2,
        run_id="run",
        attempt=9,
    )


def test_predictions_stand_beside_the_baselines_and_name_their_model(scored):
    assert (scored.table, scored.how) == ("gold.energy_load_mw_predictions", "append")
    shown = scored.frame.select("step", "q10", "q50", "q90", "baseline", "family", "model", "model_version", "run_id")
    assert rows(shown, "step")[0] == (1, 4000.0, 4400.0, 4800.0, 4500.0, "xgboost", "energy-load_mw", 2, "run")


def test_the_volume_is_the_critical_quantile_and_a_prediction_without_value_gives_no_action(scored):
    decisions = decide(ENERGY, TASK, policy(ENERGY, TASK.decide), scored.frame, scored.frame, None, attempt=9)
    assert (decisions.table, decisions.how) == ("gold.energy_load_mw_decisions", "append")
    # 90 / (90 + 30) = 0.75, five eighths of the way from the median to q90
    shown = decisions.frame.select("step", "contract_mw", "naive_contract_mw", "policy", "model_version", "task")
    assert rows(shown, "step") == [
        (1, 4650.0, 4500.0, "contract_volume", 2, "load_mw"),
        (3, 5130.0, 4500.0, "contract_volume", 2, "load_mw"),
    ]


def test_a_decision_is_worth_its_cost_once_the_label_is_known(spark, scored):
    by = policy(ENERGY, TASK.decide)
    decisions = decide(ENERGY, TASK, by, scored.frame, scored.frame, None, attempt=9).frame
    labels = frame(
        spark,
        "region_id string, at timestamp, known_at timestamp, known_until timestamp, load_mw double",
        [
            ("VIC", CUT, "2014-10-02 14:30", "2014-10-09 00:00", 4000.0),  # corrected a week later
            ("VIC", CUT, "2014-10-09 00:00", None, 4700.0),
            ("SA", "2014-10-02 15:00", "2014-10-02 15:30", None, 1.0),
        ],
    )
    change = realised(ENERGY, TASK, by, decisions, labels)
    # half an hour 50 MW short at 90 AUD/MWh; the naive volume 200 MW short
    assert rows(change.frame.select("step", "actual", "value", "naive_value", "foresight_value")) == [
        (1, 4700.0, 2250.0, 9000.0, 0.0)
    ]
    assert rows(totals(change.frame)) == [(2250.0, 9000.0, 0.0)]


def test_freshness_is_measured_at_the_as_of_instant(spark):
    load = frame(
        spark,
        "measured_at timestamp, available_at timestamp",
        [("2014-10-02 13:30", "2014-10-02 14:00"), ("2014-10-02 12:00", "2014-10-02 18:00")],
    )
    weather = frame(spark, "observed_at timestamp, available_at timestamp", [])
    change = freshness(ENERGY, {"load": load, "weather": weather}, utc("2014-10-02 15:00"))
    assert (change.table, change.how) == ("gold.energy_freshness", "overwrite")
    assert rows(change.frame, "table") == [
        ("silver.energy_load", 2, "2014-10-02 13:30", "2014-10-02 18:00", "2014-10-02 15:00", 1.5),
        ("silver.energy_weather", 0, None, None, "2014-10-02 15:00", None),
    ]
