from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipelines.contracts.fits import Calibration
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import Promote
from pipelines.stages.evaluate import Evidence
from pipelines.stages.register import verdict
from tests.toy_domains.mill.domain import DOMAIN

TASK = DOMAIN.tasks[0]  # must beat seasonal_naive by 5 % in mae


def evidence(metric: str = "mae", **gate: float) -> dict[str, Evidence]:
    """Evidence whose calibrate span gives each family this metric, and whose test span gives all of them 0."""
    nothing = Calibration({}, "January")
    return {
        family: Evidence(family, nothing, {metric: 0.0}, {metric: value, "auc": 0.5}, np.zeros(1), pa.table({}))
        for family, value in gate.items()
    }


def test_the_best_on_the_calibrate_span_becomes_champion():
    found = verdict(evidence(seasonal_naive=10.0, linear=9.0, xgboost=8.0), TASK)
    assert found.family == "xgboost"
    assert found.why == ("least mae on the calibrate span: xgboost 8, linear 9; bar 9.5 (seasonal_naive − 5%)")


@pytest.mark.parametrize(("mae", "champion"), [(9.5, "linear"), (9.51, ""), (float("nan"), ""), (float("inf"), "")])
def test_the_margin_must_be_reached_by_a_finite_number(mae, champion):
    assert verdict(evidence(seasonal_naive=10.0, linear=mae), TASK).family == champion


def test_a_broken_family_neither_wins_nor_hides_a_good_one():
    assert verdict(evidence(seasonal_naive=10.0, linear=float("nan"), xgboost=9.0), TASK).family == "xgboost"


def test_a_refusal_says_how_far_each_family_came():
    found = verdict(evidence(seasonal_naive=10.0, linear=9.9), TASK)
    assert found.why.startswith("no family reaches mae 9.5 on the calibrate span")
    assert found.why.endswith("linear 9.9")


def test_a_tie_goes_to_the_first_name():
    assert verdict(evidence(seasonal_naive=10.0, xgboost=8.0, linear=8.0), TASK).family == "linear"


def test_a_baseline_without_a_number_promotes_nobody():
    assert verdict(evidence(seasonal_naive=float("nan"), linear=1.0), TASK).family == ""


def test_the_metric_is_the_one_that_is_declared():
    by_log_loss = replace(TASK, promote=Promote("log_loss", "seasonal_naive", by=0.005))
    found = verdict(evidence("log_loss", seasonal_naive=0.2, linear=0.1995, xgboost=0.19), by_log_loss)
    assert found.family == "xgboost"
    assert found.why == (
        "least log_loss on the calibrate span: xgboost 0.19, linear 0.1995; bar 0.199 (seasonal_naive − 0.5%)"
    )


@pytest.mark.parametrize("metric", ["auc", "pinball"])
def test_a_metric_that_is_missing_or_better_when_larger_promotes_nobody(metric):
    task = replace(TASK, promote=Promote(metric, "seasonal_naive", by=0.05))
    with pytest.raises(DeclarationError, match=f"'flow_m3s': cannot promote by '{metric}'; there are: mae"):
        verdict(evidence(seasonal_naive=10.0, linear=1.0), task)
