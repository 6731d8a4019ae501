"""How far fits have come where they compare, which is given up, and what that spared."""

from __future__ import annotations

import math

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts.fits import CurvePoint
from pipelines.contracts.trials import Trial
from pipelines.models.base import families
from pipelines.stages.rungs import given_up_at, least_losses, limits, saved

LOSSES = st.floats(0.0, 100.0)


def curve(*values, name="validate/pinball"):
    return [CurvePoint(name, step, value) for step, value in enumerate(values)]


def judged(number, *rungs, core_seconds=1.0):
    return Trial(number, {}, "judged", 1.0, core_seconds=core_seconds, rungs=rungs)


def test_what_counts_is_the_least_loss_by_each_rung_on_the_validate_span():
    curves = [*curve(5.0, 3.0, 4.0, 2.0), *curve(1.0, 0.5, 0.2, 0.1, name="train/pinball")]
    assert least_losses(curves, (0, 2, 3)) == (5.0, 3.0, 2.0)
    assert least_losses(curves, (1, 9)) == (3.0, 2.0), "a fit that ended sooner comes to no more"
    assert least_losses(curve(0.2, 0.6, 0.5, name="validate/ndcg"), (0, 2)) == (-0.2, -0.6)
    assert least_losses(curve(math.nan, 3.0), (0, 1)) == (math.inf, 3.0)
    assert least_losses([], (0,)) == (math.inf,)


def test_the_limit_is_what_a_quarter_of_eight_judged_fits_or_more_on_the_same_window_are_above():
    tried = [judged(n, (10.0 * n, n), (n + 0.5,)) for n in range(1, 10)]
    pruned = Trial(10, {}, "pruned", rungs=((0.0, 0.0),))
    assert limits((7, 30), 0, [*tried, pruned]) == {7: 70.0, 30: 7.0}
    assert limits((7,), 1, tried) == {7: 7.5}
    assert limits((7, 30), 0, [*tried[:7], pruned]) == {}
    assert limits((7, 30), 2, tried) == {}
    assert limits((), 0, tried) == {}
    kept_from_before = [Trial(n, {}, "judged", 1.0) for n in range(1, 10)]
    assert limits((7, 30), 0, kept_from_before) == {}


def test_a_fit_is_given_up_at_the_first_rung_that_it_reaches_above_its_limit():
    assert given_up_at(curve(9.0, 5.0, 4.0, 4.0), {1: 5.0, 3: 3.9}) == 3
    assert given_up_at(curve(9.0, 5.1, 1.0, 1.0), {1: 5.0, 3: 3.9}) == 1
    assert given_up_at(curve(9.0, 5.0, 4.0), {1: 5.0, 3: 3.9}) is None, "it ended before"
    assert given_up_at(curve(9.0), {}) is None
    assert given_up_at([], {0: 1.0}) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(LOSSES, min_size=3, max_size=3), min_size=7, max_size=11), st.lists(LOSSES, min_size=1))
def test_it_is_optunas_percentile_pruner(others, values):
    """Asked at every rung, as each value comes."""
    rungs, curves = (0, 1, 2), [curve(*other) for other in others]
    tried = [judged(n, least_losses(of, rungs)) for n, of in enumerate(curves, 1)]
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(pruner=optuna.pruners.PercentilePruner(75.0, n_startup_trials=8))
    for of in tried:
        study.add_trial(optuna.trial.create_trial(value=of.loss, intermediate_values=dict(enumerate(of.rungs[0]))))
    trial, by_optuna = study.ask(), None
    for step, value in enumerate(values[:3]):
        trial.report(value, step)
        if by_optuna is None and trial.should_prune():
            by_optuna = step
    assert given_up_at(curve(*values[:3]), limits(rungs, 0, tried)) == by_optuna


def test_what_is_saved_is_what_a_trial_lacks_of_the_median_of_the_judged_ones():
    tried = [judged(n, core_seconds=seconds) for n, seconds in enumerate((4.0, 6.0, 30.0), 1)]
    assert saved(Trial(4, {}, "pruned", core_seconds=1.5), tried) == 4.5
    assert saved(Trial(4, {}, "pruned", core_seconds=9.0), tried) == 0.0
    assert saved(Trial(4, {}, "failed", core_seconds=1.5), tried) == 0.0
    assert saved(Trial(4, {}, "pruned", core_seconds=1.5), []) == 0.0


@pytest.mark.parametrize("family", families().values(), ids=lambda family: family.name)
def test_just_the_families_that_stop_early_have_rungs_in_order(family):
    rungs = family.rungs(family.settled({}))
    assert list(rungs) == sorted(set(rungs))
    assert bool(rungs) == ("patience" in {param.name for param in family.params}), "those that stop early"


def test_boosting_compares_where_rounds_times_learning_rate_are_alike_and_nets_by_part_of_their_epochs():
    xgboost, mlp = families()["xgboost"], families()["mlp"]
    assert xgboost.rungs({"learning_rate": 0.05}) == (79, 159)
    assert xgboost.rungs({"learning_rate": 0.15}) == (26, 53)
    assert mlp.rungs({"epochs": 20}) == (9, 14)
    assert mlp.rungs({"epochs": 1}) == (0, 0)
