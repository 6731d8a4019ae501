"""The whole way of a Detect: readings without a label, from raw files to visits, judged by repairs that came late."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from mlflow import MlflowClient
from sklearn.metrics import average_precision_score, roc_auc_score

from pipelines import runner
from tests.house import drop, query, settings_on, toys_found

pytestmark = pytest.mark.slow
ALONE = dict.fromkeys(("isolation_forest", "gaussian_mixture"), "single")
START, DAYS, A_DAY = datetime(2024, 3, 1, tzinfo=UTC), 45, 24
FIRST_ODD = 20
"""The day from which on some readings are odd: the press was sound until then."""


def raw_files() -> dict[str, str]:
    """Heat and pressure go together; of an odd reading each is usual by itself. Repairs of the second half are told."""
    draw = np.random.default_rng(4)
    readings, repairs = ["reading_id,press_id,read_at,heat_c,pressure_bar"], ["reading_id,told_at,was_repaired"]
    for number in range(DAYS * A_DAY):
        at = START + timedelta(hours=number)
        is_odd = number // A_DAY >= FIRST_ODD and draw.random() < 0.08
        level = draw.normal()
        heat, pressure = 60.0 + 5.0 * level, 12.0 + (-2.0 if is_odd else 2.0) * level + draw.normal(0.0, 0.2)
        readings.append(f"r{number:04d},p{number % 2},{at.isoformat()},{heat:.2f},{pressure:.2f}")
        if number // A_DAY >= FIRST_ODD and number % 5:  # of some nobody ever tells
            repairs.append(f"r{number:04d},{(at + timedelta(days=1)).isoformat()},{int(is_odd and abs(level) > 0.5)}")
    return {
        "readings/2024-04-20.csv": "\n".join(readings) + "\n",
        "repairs/2024-04-20.csv": "\n".join(repairs) + "\n",
    }


@pytest.fixture(scope="module")
def way(spark, tmp_path_factory):
    """The settings, and what one run of all stages came to."""
    settings = settings_on(tmp_path_factory.mktemp("press"), training={"workers": 1, "engines": ALONE})
    drop(settings, "press", raw_files())
    with toys_found():
        yield settings, runner.run(settings, names=["press"])


def judged(settings, family):
    sql = f"SELECT actual, anomaly_score FROM t WHERE family = '{family}' AND split = 'test'"
    return query(settings, "press", "gold.press_was_repaired_backtest", sql)


def test_the_family_that_finds_what_was_repaired_becomes_champion(way):
    assert way[1].failures == {}
    champion = way[1].status["domains"]["press"]["tasks"]["was_repaired"]["champion"]
    assert champion["family"] in ALONE
    assert champion["why"].startswith("least disorder on the calibrate span: ")


def test_late_labels_alone_judge_what_never_saw_one(way):
    client = MlflowClient(way[0].mlflow.tracking_uri)
    runs = client.search_runs([client.get_experiment_by_name("/press/was_repaired").experiment_id])
    of = {run.data.tags["family"]: run.data.metrics for run in runs if "family" in run.data.tags}
    for family in ALONE:
        known = np.array(judged(way[0], family))
        assert 200 < len(known) < 14 * A_DAY, "those that nobody told of judge nothing"
        assert of[family]["disorder"] == pytest.approx(1.0 - roc_auc_score(*known.T)) and of[family]["disorder"] < 0.2
        assert of[family]["average_precision"] == pytest.approx(average_precision_score(*known.T))
        assert of[family]["naive_disorder"] == 0.5


def alarms_by_hand(rows, limit: float, horizon: timedelta) -> tuple[float, float]:
    """Precision and recall of the alarms of (machine, at, score, label), one reading after the other."""
    right, announced = [], []
    for machine in sorted({row[0] for row in rows}):
        of = sorted(row[1:] for row in rows if row[0] == machine)
        raised, failed, was_up, has_failed = [], [], False, False
        for at, score, label in of:
            if label == 1 and has_failed:
                continue
            has_failed = label == 1
            failed += [at] if has_failed else []
            raised += [at] if score >= limit and not was_up else []
            was_up = score >= limit
        in_time = [[timedelta(0) <= fails - at <= horizon for fails in failed] for at in raised]
        right += [
            any(of_one) for of_one, at in zip(in_time, raised, strict=True) if any(of_one) or at + horizon <= of[-1][0]
        ]
        announced += [any(of_one[place] for of_one in in_time) for place in range(len(failed))]
    return sum(right) / len(right), sum(announced) / len(announced)


def test_alarms_of_the_score_are_judged_by_the_same_labels(way):
    sql = "SELECT press_id, cut_at, anomaly_score, actual FROM t WHERE family = 'gaussian_mixture' AND split = 'test'"
    rows = query(way[0], "press", "gold.press_was_repaired_backtest", sql)
    precision, recall = alarms_by_hand(rows, 0.97, timedelta(hours=24))
    client = MlflowClient(way[0].mlflow.tracking_uri)
    runs = client.search_runs([client.get_experiment_by_name("/press/was_repaired").experiment_id])
    metrics = next(run.data.metrics for run in runs if run.data.tags.get("family") == "gaussian_mixture")
    assert (metrics["alarms/precision"], metrics["alarms/recall"]) == pytest.approx((precision, recall))
    assert recall > 0.0 and metrics["interval/alarms/recall_low"] <= recall <= metrics["interval/alarms/recall_high"]
    assert metrics["interval/auc_low"] <= metrics["auc"] <= metrics["interval/auc_high"]
    assert 0.0 <= metrics["alarms/lead"] <= 24.0


def test_what_two_visits_a_day_would_have_saved_is_told_by_slice(way):
    sql = (
        "SELECT date_trunc('day', cut_at) AS day, count(*) AS visits, sum(value) AS value FROM t "
        "WHERE family = 'gaussian_mixture' AND split = 'test' AND value <> 0 GROUP BY 1"
    )
    days = query(way[0], "press", "gold.press_was_repaired_backtest", sql)
    assert days and max(visits for _, visits, _ in days) == 2
    client = MlflowClient(way[0].mlflow.tracking_uri)
    runs = client.search_runs([client.get_experiment_by_name("/press/was_repaired").experiment_id])
    run = next(run for run in runs if run.data.tags.get("family") == "gaussian_mixture")
    assert run.data.metrics["worth/value"] == pytest.approx(sum(value for _, _, value in days))
    lines = Path(client.download_artifacts(run.info.run_id, "metrics_by_slice.csv")).read_text().splitlines()
    by_hour = [float(row["value"]) for row in csv.DictReader(lines) if row["slice"] == "hour_of_day"]
    assert len(by_hour) == 24 and sum(by_hour) == pytest.approx(run.data.metrics["worth/value"])


def test_a_visit_goes_to_what_is_odd_and_pays(way):
    decided = way[1].status["domains"]["press"]["tasks"]["was_repaired"]["decisions"]
    assert decided["unit"] == "EUR"
    assert decided["naive_value"] < decided["value"] <= decided["foresight_value"]
    sql = "SELECT count(*), sum(CAST(is_inspected AS INT)) FROM t GROUP BY date_trunc('day', cut_at)"
    a_day = query(way[0], "press", "gold.press_was_repaired_decisions", sql)
    assert a_day and all(picked <= 2 for _, picked in a_day)
