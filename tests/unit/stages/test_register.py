from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from pipelines.contracts.fits import Calibration
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import Promote, Protected
from pipelines.metrics.fairness import GroupRow
from pipelines.stages.evaluate import Evidence
from pipelines.stages.register import verdict
from tests.toy_domains.mill.domain import DOMAIN
from tests.unit.stages.test_evaluate import IS_LATE

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


BY_GAIN = replace(TASK, promote=Promote("ndcg", "seasonal_naive", by=0.1))


def test_of_what_is_better_when_greater_the_greatest_wins_and_must_be_so_much_more():
    found = verdict(evidence("ndcg", seasonal_naive=0.5, linear=0.55, xgboost=0.8), BY_GAIN)
    assert found.family == "xgboost"
    assert found.why == "most ndcg on the calibrate span: xgboost 0.8, linear 0.55; bar 0.55 (seasonal_naive + 10%)"
    assert verdict(evidence("ndcg", seasonal_naive=0.5, linear=0.549), BY_GAIN).family == ""
    assert verdict(evidence("ndcg", seasonal_naive=0.5, linear=float("nan"), xgboost=0.4), BY_GAIN).family == ""


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


def picked(rate_of_u: float, rate_of_v: float) -> list[GroupRow]:
    """Two groups of which so many are picked, and nothing else differs."""
    return [
        GroupRow("region", group, 100, 0.3, rate, 0.5, 0.1, 0.3) for group, rate in (("u", rate_of_u), ("v", rate_of_v))
    ]


def with_groups(**groups) -> dict[str, Evidence]:
    found = evidence("log_loss", base_rate=0.6, linear=0.5, xgboost=0.4)
    return {
        family: replace(seen, groups={"calibrate": groups.get(family, []), "test": picked(0.0, 1.0)})
        for family, seen in found.items()
    }


PROTECTING = replace(
    IS_LATE,
    families=("base_rate", "linear", "xgboost"),
    protected=(Protected("region", {"selection_rate": 0.1}),),
)


def test_a_family_that_treats_groups_too_differently_is_kept_out_and_it_is_said():
    found = verdict(with_groups(xgboost=picked(0.1, 0.3), linear=picked(0.1, 0.15)), PROTECTING)
    assert found.family == "linear"
    assert found.why.endswith(
        "; xgboost is kept out: selection_rate differs by 0.2 between region u and v (at most 0.1)"
    )


def test_where_all_treat_groups_too_differently_nobody_is_promoted():
    found = verdict(with_groups(xgboost=picked(0.3, 0.1), linear=picked(0.5, 0.1)), PROTECTING)
    assert found.family == ""
    assert found.why.startswith("no family is fair enough on the calibrate span; linear is kept out: selection_rate")


def test_a_gap_without_a_limit_is_told_and_blocks_nothing():
    told_only = replace(PROTECTING, protected=(Protected("region"),))
    assert verdict(with_groups(xgboost=picked(0.1, 0.9)), told_only).family == "xgboost"
