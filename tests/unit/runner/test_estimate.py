"""Estimates from measured fits: in proportion to the work, with how far they may be off."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tiny_gold import plan_for

from pipelines.contracts.fits import FitError, FitPlan, Shard, Workspace
from pipelines.contracts.usage import Sample, Usage
from pipelines.runner.estimate import estimate, must_be_affordable, told
from pipelines.runner.measured import keep, kept, measured

TABLES = {name: Shard(name, 1, ()) for name in ("gold.tiny_load", "gold.tiny_cut_offs")}


def plan(**params: int) -> FitPlan:
    return plan_for("xgboost", TABLES, **params)


def put(folder: Path, of: FitPlan, rows: int, seconds: float) -> None:
    workspace = Workspace(folder / f"{rows}-{seconds}")
    workspace.path.mkdir(parents=True)
    keep(measured(of, rows, Usage(seconds, 2 * seconds, 10, (Sample(1, {"system/x": 1.0}),))), workspace)


def test_what_was_measured_is_read_as_it_was_kept(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    of = measured(plan(rounds=10), 100, Usage(3.0, 5.0, 7, (Sample(1, {"system/x": 1.0}),)))
    assert kept(workspace) is None
    keep(of, workspace)
    assert kept(workspace) == of


def test_twice_the_rows_and_rounds_take_four_times_as_long(tmp_path: Path) -> None:
    put(tmp_path, plan(rounds=10), 1000, 60.0)
    found = estimate(plan(rounds=20), 2000, tmp_path, 3.6)
    assert (found.seconds, found.core_seconds, found.price) == pytest.approx((240.0, 480.0, 0.48))
    assert found.fits == 1 and found.factor == pytest.approx(3.0)
    assert told(found) == "4 min, price 0.48, within a factor of 3.0 (from one measured fit)"


def test_a_small_fit_takes_no_less_than_the_smallest_that_was_measured(tmp_path: Path) -> None:
    put(tmp_path, plan(rounds=10), 1000, 30.0)
    assert estimate(plan(rounds=10), 10, tmp_path, 0.0).seconds == pytest.approx(30.0)


def test_the_nearest_counts_most_and_what_differs_widens_the_factor(tmp_path: Path) -> None:
    put(tmp_path, plan(rounds=10), 1000, 10.0)
    put(tmp_path, plan(rounds=10), 100_000, 4000.0)
    found = estimate(plan(rounds=10), 100_000, tmp_path, 0.0)
    assert found.seconds is not None and 3000 < found.seconds < 4000
    assert (found.fits, found.price) == (2, None) and found.factor > 1.5


def test_where_nothing_was_measured_it_says_so_and_nothing_is_refused(tmp_path: Path) -> None:
    put(tmp_path, plan_for("linear", TABLES), 1000, 10.0)
    found = estimate(plan(rounds=10), 1000, tmp_path, 0.0)
    assert (found.seconds, told(found)[:7]) == (None, "unknown")
    must_be_affordable(found, plan(rounds=10), 1)


def test_what_one_model_took_says_nothing_of_a_model_of_each_entity(tmp_path: Path) -> None:
    put(tmp_path, plan(rounds=10), 1000, 10.0)
    of_each = replace(plan(rounds=10), scope="per_entity", least_rows=5)
    assert estimate(of_each, 1000, tmp_path, 0.0).seconds is None
    put(tmp_path, of_each, 1000, 90.0)
    assert estimate(of_each, 1000, tmp_path, 0.0).seconds == pytest.approx(90.0)


def test_a_fit_over_the_budget_is_refused(tmp_path: Path) -> None:
    put(tmp_path, plan(rounds=10), 1000, 200.0)
    found = estimate(plan(rounds=10), 1000, tmp_path, 0.0)
    must_be_affordable(found, plan(rounds=10), 0)
    must_be_affordable(found, plan(rounds=10), 4)
    message = r"load_mw: the fit of xgboost is estimated at 3 min.*over training.budget_minutes 3. Raise .* --force"
    with pytest.raises(FitError, match=message):
        must_be_affordable(found, plan(rounds=10), 3)
