"""Which parameters are tried next, which trial is given up, what a search has found; and every family's ranges."""

from __future__ import annotations

from itertools import product

import pytest

from pipelines.contracts.trials import Trial
from pipelines.domains import domains
from pipelines.models.base import families
from pipelines.models.search_space import search_space
from pipelines.stages.tune import best, cheapest, importance, is_behind, suggested

SPACE = {"depth": (2, 4, 6), "rate": (0.1, 0.3)}
EVERY = [{"depth": depth, "rate": rate} for depth, rate in product(*SPACE.values())]


def judged(number, loss, core_seconds=1.0, course=None, **params):
    return Trial(number, params, "judged", loss, course or {}, 2.0, core_seconds)


def searched(trials, seed=7):
    """A whole search, whose loss is least at depth 4 and rate 0.3."""
    tried = list(trials)
    while (params := suggested(SPACE, tried, seed)) is not None:
        tried.append(judged(len(tried) + 1, abs(params["depth"] - 4) - params["rate"], **params))
    return tried


@pytest.mark.parametrize("family", families().values(), ids=lambda family: family.name)
def test_every_family_gives_its_ranges_in_order_with_what_is_in_force(family):
    settled = family.settled({})
    space = search_space(family, settled)
    assert set(space) == {param.name for param in family.params if param.search is not None}
    for param in family.params:
        if param.name in space:
            values = space[param.name]
            assert settled[param.name] in values and {type(value) for value in values} == {param.type}
            assert set(param.search) <= set(values) and list(values) == sorted(set(values))
    if space:
        found = suggested(space, [], 1)
        assert set(found) == set(space) and all(found[name] in space[name] for name in space)
        family.settled({**settled, **found})


def test_what_a_task_declares_beyond_a_range_belongs_to_the_space():
    family = families()["xgboost"]
    space = search_space(family, family.settled({"learning_rate": 0.3, "max_depth": 6}))
    assert space["learning_rate"] == (0.03, 0.05, 0.08, 0.15, 0.3)
    assert space["max_depth"] == (4, 5, 6, 8)
    assert "rounds" not in space


def test_every_combination_is_tried_once_and_then_there_is_none():
    tried = searched([])
    assert sorted([t.params for t in tried], key=str) == sorted(EVERY, key=str)
    assert best(tried).params == {"depth": 4, "rate": 0.3}


def test_a_search_that_goes_on_after_a_kill_makes_the_trials_of_an_undisturbed_one():
    whole = searched([])
    assert searched(whole[:3]) == whole
    assert searched([]) == whole
    assert searched([], seed=8) != whole


def test_a_failed_trial_is_not_tried_again_and_a_pruned_one_is_learnt_from():
    failed = Trial(1, EVERY[0], "failed", why="no such thing")
    pruned = Trial(2, EVERY[1], "pruned", None, {1: 9.0}, why="behind")
    tried = searched([failed, pruned])
    assert len(tried) == len(EVERY) and tried[:2] == [failed, pruned]


def test_behind_is_what_is_worse_than_the_median_of_at_least_four_at_the_same_step():
    tried = [judged(n, 1.0, course={1: loss, 2: 9.0}) for n, loss in enumerate((1.0, 2.0, 3.0, 4.0), 1)]
    assert is_behind({1: 2.6}, tried, warm_up=0)
    assert not is_behind({1: 2.4}, tried, warm_up=0)
    assert not is_behind({1: 2.6}, tried, warm_up=1)
    assert not is_behind({1: 99.0}, tried[:3], warm_up=0)
    assert not is_behind({1: 99.0}, [Trial(1, {}, "pruned", None, {1: 1.0})] * 4, warm_up=0)


def test_the_cheapest_is_the_one_that_computed_least_of_those_within_one_percent_of_the_best():
    tried = [
        judged(1, 101.1, 1.0),  # too far off
        judged(2, 101.0, 3.0),
        judged(3, 100.0, 9.0),
        judged(4, 100.5, 2.0),
        Trial(5, {}, "pruned", core_seconds=0.1),
    ]
    assert (best(tried).number, cheapest(tried).number) == (3, 4)
    assert cheapest(tried, within=0.02).number == 1


def test_importance_is_told_of_ten_trials_that_differ_and_sums_to_one():
    tried = [judged(n, float(of["depth"]), **of) for n, of in enumerate(EVERY * 2, 1)]
    found = importance(SPACE, tried)
    assert found["depth"] > 0.9 and sum(found.values()) == pytest.approx(1.0)
    assert importance(SPACE, tried[:9]) == {}
    assert importance(SPACE, [judged(n, 1.0, **of) for n, of in enumerate(EVERY * 2, 1)]) == {}


def test_every_task_has_a_family_to_tune():
    for domain in domains().values():
        for task in domain.tasks:
            assert any(param.search for name in task.families for param in families()[name].params)
