"""Innovations of a Kalman filter, against numbers worked out by hand and against the windows' joint distribution."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.models.kalman import LinearSystem

NAN = np.nan


def scalar(**others: list[list[float]]) -> LinearSystem:
    """x' = x / 2 + w₁, y = x + w₂, in rest before."""
    parts = {"a": [[0.5]], "b": [[0.0]], "c": [[1.0, 0.0]], "h": [[1.0]], "d": [[0.0]], "e": [[0.0, 1.0]]}
    return LinearSystem(**{name: np.array(of) for name, of in {**parts, "start": [[0.0]], **others}.items()})


def innovations(system: LinearSystem, *steps: float, inputs: tuple[float, ...] = ()) -> tuple[list[float], list[int]]:
    measured = np.array(steps).reshape(1, -1, 1)
    given = np.array(inputs or [0.0] * len(steps)).reshape(1, -1, 1)
    squares, counts = system.innovations(measured, given)
    return squares[0].tolist(), counts[0].tolist()


def test_three_steps_are_those_worked_out_by_hand():
    """P = 0, 1, 9/8; Σ = 1, 2, 17/8; gains 0, 1/4, 9/34; x = 0, 0, 1/4 · 2 = 1/2."""
    squares, counts = innovations(scalar(), 1.0, 2.0, 3.0)
    assert squares == pytest.approx([1.0, 2.0**2 / 2.0, 2.5**2 / (17 / 8)])
    assert counts == [1, 1, 1]


def test_a_step_without_a_measurement_only_makes_the_next_less_certain():
    """P = 0, 1, 5/4; Σ of the third step = 9/4."""
    squares, counts = innovations(scalar(), 1.0, NAN, 3.0)
    assert squares == pytest.approx([1.0, 0.0, 3.0**2 / (9 / 4)])
    assert counts == [1, 0, 1]


def test_what_an_input_brings_about_is_expected():
    driven = scalar(b=[[2.0]], d=[[10.0]])
    assert innovations(driven, 10.0, 22.0, inputs=(1.0, 2.0))[0] == [0.0, 0.0]  # x = 0, 2; y = x + 10 u


def test_noise_that_is_measured_as_well_tells_the_next_state():
    """x' = w, y = x + w: after y = w₁, x = w₁ is known, since there was no state before."""
    assert innovations(scalar(a=[[0.0]], c=[[1.0]], e=[[1.0]]), 3.0, 3.0)[0] == pytest.approx([9.0, 0.0])


def test_squares_of_a_window_are_those_of_its_joint_distribution():
    """Σ innovation² = yᵀ Γ⁻¹ y, with the covariance Γ of all measurements together, written out from a, c, h and e."""
    random = np.random.default_rng(3)
    states, channels, times, noises = 3, 2, 7, 4
    a = 0.8 * np.linalg.qr(random.normal(size=(states, states)))[0]
    c, h = random.normal(size=(states, noises)), random.normal(size=(channels, states))
    e, start = random.normal(size=(channels, noises)), np.diag([1.0, 2.0, 3.0])
    b, d = random.normal(size=(states, 1)), random.normal(size=(channels, 1))
    system = LinearSystem(a, b, c, h, d, e, start)
    # every measurement as a sum over the first state and all noises
    parts, x = [], np.hstack([np.linalg.cholesky(start), np.zeros((states, times * noises))])
    for time in range(times):
        w = np.zeros((noises, states + times * noises))
        w[:, states + time * noises : states + (time + 1) * noises] = np.eye(noises)
        parts.append(h @ x + e @ w)
        x = a @ x + c @ w
    u, mean, means = random.normal(size=(times, 1)), np.zeros(states), []
    for time in range(times):
        means.append(h @ mean + d @ u[time])
        mean = a @ mean + b @ u[time]
    joint, measured = np.vstack(parts), random.normal(size=(5, times, channels)) * 3.0
    measured[1, 2, 0] = measured[2, 4] = measured[3, 0] = NAN
    squares, counts = system.innovations(measured, np.broadcast_to(u, (5, times, 1)))
    for window, square, count in zip(measured, squares, counts, strict=True):
        is_known = ~np.isnan(window.ravel())
        away = (window - np.array(means)).ravel()[is_known]
        covariance = joint[is_known] @ joint[is_known].T
        assert square.sum() == pytest.approx(away @ np.linalg.solve(covariance, away), rel=1e-9)
        assert count.sum() == is_known.sum()


def test_no_bit_of_a_window_depends_on_those_beside_it():
    random = np.random.default_rng(4)
    system = LinearSystem(
        *[random.normal(size=shape) for shape in ((2, 2), (2, 1), (2, 3), (3, 2), (3, 1))], np.eye(3), np.eye(2)
    )
    measured = np.where(random.random((40, 6, 3)) < 0.1, NAN, random.normal(size=(40, 6, 3)))
    inputs = random.normal(size=(40, 6, 1))
    together = system.innovations(measured, inputs)[0]
    alone = [system.innovations(measured[i : i + 1], inputs[i : i + 1])[0][0] for i in range(40)]
    assert np.array_equal(together, np.array(alone))
