"""A system is found from what it did, and what it would not do raises the alarm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tiny_events import FRAME, INSTANT, hour
from tiny_events import plan_for as events_plan

from pipelines.contracts.fits import FitError
from pipelines.models.base import families
from pipelines.models.subspace import identified

WINDOW, ROWS = 16, 3000
TURN = 2.0 * np.pi / 12.0  # a round in twelve steps
A = 0.95 * np.array([[np.cos(TURN), -np.sin(TURN)], [np.sin(TURN), np.cos(TURN)]])
B, H = np.array([1.0, 0.5]), np.array([[1.0, 0.0], [0.4, 1.0]])
EIGENVALUES_WITHIN = 0.02


def run(seed, steps=ROWS + WINDOW, a=A, quiet=False):
    """A machine that swings and is pushed: (steps, 2) measurements and (steps,) pushes."""
    random = np.random.default_rng(seed)
    push = np.repeat(random.normal(size=steps // 5 + 1), 5)[:steps]
    size = 0.0 if quiet else 0.3
    x, measured = np.zeros(2), np.empty((steps, 2))
    for step in range(steps):
        measured[step] = H @ x + 0.2 * random.normal(size=2)
        x = a @ x + B * push[step] + size * random.normal(size=2)
    return measured, push


def windows(values):
    """(rows, WINDOW, …), one that ends at each step from the WINDOWth on."""
    return np.stack([values[row : row + WINDOW] for row in range(len(values) - WINDOW)])


def examples(measured, push):
    columns = {
        f"{name}__lag_{hours}h": windows(values)[:, WINDOW - 1 - hours]
        for name, values in (("left", measured[:, 0]), ("right", measured[:, 1]), ("push", push))
        for hours in range(WINDOW)
    }
    rows = len(next(iter(columns.values())))
    at = pa.array([hour(number) for number in range(rows)], INSTANT)
    return pa.table({"leg_id": [f"leg-{n:04d}" for n in range(rows)], "cut_at": at, **columns})


def plan_for(rows, **params):
    frame = replace(FRAME, cut_off_features=tuple(rows.column_names[2:]), categories=(), images=())
    return replace(events_plan("state_space", **params), frame=frame, is_unlabelled=True)


def fitted(rows, **params):
    family = families()["state_space"]
    return family.scorer(family.fit(rows, rows, plan_for(rows, **params), None).model)


def scores(scorer, measured, push):
    return scorer.predict(examples(measured, push))["anomaly_score"].to_numpy()


@pytest.fixture(scope="module")
def sound():
    return run(1)


@pytest.fixture(scope="module")
def scorer(sound):
    return fitted(examples(*sound), inputs="push", order=2)


def test_identification_recovers_the_eigenvalues_of_the_system(sound):
    measured, push = sound
    found = identified(windows(measured), windows(push)[:, :, None], order=2)
    wanted = np.linalg.eigvals(A)
    eigenvalues = np.linalg.eigvals(found.a)
    for eigenvalue in wanted:
        assert np.abs(eigenvalues - eigenvalue).min() < EIGENVALUES_WITHIN


def test_identification_recovers_how_an_input_is_answered(sound):
    """The first steps after a push of 1: h b, h a b, h a² b, whatever the axes of the state."""
    measured, push = sound
    found = identified(windows(measured), windows(push)[:, :, None], order=2)
    for power in range(3):
        ours = found.h @ np.linalg.matrix_power(found.a, power) @ found.b[:, 0]
        assert ours == pytest.approx(H @ np.linalg.matrix_power(A, power) @ B, abs=0.05)


def test_a_fault_raises_the_alarm_and_sound_days_do_not(scorer):
    measured, push = run(2, 600)
    calm = scores(scorer, measured, push)
    assert (calm > 0.99).mean() < 0.03
    measured[400:, 1] += 2.0  # one of two sensors is off, by less than it swings
    assert np.abs(measured[:400, 1]).max() > 4.0
    alarmed = scores(scorer, measured, push) > 0.99
    assert not alarmed[: 400 - WINDOW].any() or (alarmed[: 400 - WINDOW].mean() < 0.03)
    assert alarmed[400 - WINDOW + 2 : 400].all()


def test_a_machine_that_swings_faster_is_odd_though_each_value_is_usual(scorer):
    faster = 0.95 * np.array([[np.cos(2 * TURN), -np.sin(2 * TURN)], [np.sin(2 * TURN), np.cos(2 * TURN)]])
    measured, push = run(3, 400, a=faster)
    usual, _ = run(4, 400)
    assert np.abs(measured).max() <= np.abs(usual).max()
    assert (scores(scorer, measured, push) > 0.95).mean() > 0.8


def test_a_push_is_no_fault_but_a_push_without_an_answer_is(scorer):
    measured, push = run(5, 200)
    push[150:] += 6.0
    x, answered = np.zeros(2), measured.copy()
    for step in range(150, 200):
        answered[step] += H @ x
        x = A @ x + B * 6.0
    last = slice(150 - WINDOW + 3, None)
    assert np.median(scores(scorer, answered, push)[last]) < 0.95
    assert (scores(scorer, measured, push)[last] > 0.99).all()


def test_gaps_are_passed_over_and_a_window_without_a_value_has_no_score(scorer):
    measured, push = run(6, 300)
    gaps = measured.copy()
    gaps[::7, 0] = gaps[100] = np.nan
    found, whole = scores(scorer, gaps, push), scores(scorer, measured, push)
    assert np.isfinite(found).all()
    assert np.abs(found - whole).mean() < 0.1
    gaps[:40] = np.nan
    none = scorer.predict(examples(gaps, push))["anomaly_score"]
    assert none.slice(0, 40 - WINDOW).null_count == 40 - WINDOW


def test_a_level_that_the_state_has_followed_to_is_odd_where_all_steps_count(sound):
    """A window is begun without a state, so what is measured in its first step is beside all that was seen before."""
    rows, (measured, push) = examples(*sound), run(7, 200)
    measured += H @ np.array([30.0, 0.0])
    last, whole = (scores(fitted(rows, inputs="push", judged_steps=steps), measured, push) for steps in (4, 0))
    assert np.median(last) < np.median(whole) > 0.999


@pytest.mark.parametrize(
    ("columns", "params", "said"),
    [
        (lambda name: "lag" not in name, {}, "the task needs a view with lags of what is measured"),
        (lambda name: name != "left__lag_3h", {}, "the lags of all columns must be the same, four or more, at even"),
        (lambda name: True, {"inputs": "pull"}, "no lags of the input 'pull'; there are some of: left, right, push"),
        (lambda name: True, {"inputs": "left, right,push"}, "no column that is not an input varies over the train"),
    ],
)
def test_windows_that_cannot_be_read_are_named(sound, columns, params, said):
    rows = examples(*sound)
    rows = rows.append_column("own", rows["left__lag_0h"])
    rows = rows.select([name for name in rows.column_names if name in ("leg_id", "cut_at") or columns(name)])
    with pytest.raises(FitError, match=f"^state_space by single: {said}"):
        fitted(rows, **params)


def test_too_few_windows_are_named(sound):
    rows = examples(*sound).slice(0, 60)
    with pytest.raises(FitError, match=r"^state_space by single: 60 rows of the train span have all their lags, and "):
        fitted(rows, inputs="push")


def test_a_copy_of_a_channel_and_one_that_never_varies_do_no_harm(sound):
    measured, push = sound
    rows = examples(measured, push)
    for name in [name for name in rows.column_names if name.startswith("left__")]:
        rows = rows.append_column(name.replace("left", "copy"), rows[name])
        rows = rows.append_column(name.replace("left", "still"), pa.array(np.full(len(rows), 7.0)))
    found = fitted(rows, inputs="push", order=2).predict(rows)["anomaly_score"].to_numpy()
    assert np.quantile(found, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.01)
