"""Shifts that go on learning: from which errors, how far, and that they keep their promise where errors change."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.metrics.conformal import Errors, adaptive, by_step, rolling

QUANTILES = (0.1, 0.5, 0.9)


def one_quantile(errors: list[float], known: list[int], step: list[int] | None = None, *, first: int) -> Errors:
    """A row a period of each step, in time order, at the quantile 0.9 beside the point."""
    step = step or [0] * len(errors)
    period = [at - step.index(of) for at, of in enumerate(step)]
    values = np.array([errors, errors])
    return Errors(values, (0.5, 0.9), np.array(step), np.array(period), np.array(known), first)


def test_each_step_is_moved_by_its_own_errors_of_the_calibration_window():
    of = one_quantile([1.0, 2.0, 9.0, 30.0, 10.0, 0.0], [9] * 6, step=[0, 0, 0, 1, 1, 1], first=2)
    # rank ⌈.9 · 3⌉ is beyond two errors, so the greatest counts; the point is left
    assert by_step(of).tolist() == [[0.0] * 6, [0.0, 0.0, 2.0, 0.0, 0.0, 30.0]]


def test_a_window_moves_on_to_the_newest_errors_that_were_known_when_a_period_began():
    of = one_quantile([1.0, 2.0, 7.0, 5.0, 3.0, 4.0], [1, 2, 4, 4, 5, 6], first=2)
    # before period 2 and 3 the first two are known, before 4 also 7 and 5, before 5 also 3: always the newest two
    assert rolling(of)[1].tolist() == [0.0, 0.0, 2.0, 2.0, 7.0, 5.0]


def test_a_level_rises_by_what_was_missed_and_the_window_gives_its_quantile():
    errors = [*np.arange(1.0, 10.0), 20.0, 20.0]  # nine to calibrate with, then two that lie beyond
    of = one_quantile(errors, list(range(1, 12)), first=9)
    # rank ⌈.9 · 10⌉ = 9 of 1 … 9; the miss raises the level by .9γ: rank ⌈.945 · 10⌉ of 2 … 9, 20 is the last
    assert adaptive(of, gamma=0.05)[1].tolist()[9:] == [9.0, 20.0]
    assert rolling(of)[1].tolist()[9:] == [9.0, 20.0]
    fallen = one_quantile([*np.arange(1.0, 10.0), 0.0, 0.0], list(range(1, 12)), first=9)
    # what lies below lowers it by .1γ: with γ = 2 rank ⌈.7 · 10⌉ = 7 of 0, 2 … 9
    assert adaptive(fallen, gamma=2.0)[1].tolist()[9:] == [9.0, 7.0]


def drifting(seed: int) -> Errors:
    """Thirty periods to calibrate with, 120 to judge, four steps; after thirty of these errors grow, week by week, to
    twice their size, and are known two periods later."""
    chance = np.random.default_rng(seed)
    size = np.concatenate([np.ones(60), np.linspace(1.0, 2.0, 30), np.full(60, 2.0)])
    errors = (chance.normal(size=(4, 150)) * size).ravel()
    period = np.tile(np.arange(150), 4)
    base = np.array([-1.2816, 0.0, 1.2816])[:, None]
    return Errors(errors - base, QUANTILES, np.repeat(np.arange(4), 150), period, period + 2, 30)


def covered(of: Errors, shifts: np.ndarray) -> float:
    """The part of the periods since errors grow that the band holds."""
    since = of.period >= 60
    return float(np.mean((of.errors[0] >= shifts[0])[since] & (of.errors[2] <= shifts[2])[since]))


def test_under_a_drift_shifts_that_learn_on_keep_their_promise_better_than_split_ones():
    for seed in range(5):
        of = drifting(seed)
        split, rolled, adapted = (abs(covered(of, way(of)) - 0.8) for way in (by_step, rolling, adaptive))
        assert split > 0.12
        assert adapted < 0.06 < split and rolled < split
    mean = np.mean([covered(drifting(seed), adaptive(drifting(seed))) for seed in range(5)])
    assert mean == pytest.approx(0.8, abs=0.04)


def test_without_an_error_nothing_is_moved():
    of = one_quantile([1.0, 2.0], [9, 9], first=1)
    assert rolling(of)[1].tolist() == [0.0, 0.0]
