"""From windows of measurements to the linear system that made them: subspace identification."""

from __future__ import annotations

import numpy as np

from pipelines.models.kalman import LinearSystem
from pipelines.models.rows import Values

_LEAST_NOISE = 1e-6
"""Part of a standardised channel's variance that is noise of its own at least: copies of a channel do no harm then."""


def identified(measured: Values, inputs: Values, order: int) -> LinearSystem:
    """The system with `order` states (N4SID: Van Overschee and De Moor 1994; 1996, ch. 4, algorithm 2).

    measured: (windows, times, channels), inputs: (windows, times, inputs), each with mean 0, without gaps. Only whole
    halves of a window count: what the later half can be told of by the earlier, the inputs between taken off, is seen
    through the state in the middle, whose components are the directions with most of it. Two such states, a step apart,
    give the matrices by least squares, and what is left over the noise.

    Needs more windows than `unknowns`.
    """
    times, channels = measured.shape[1:]
    half = times // 2
    y, u = (part[:, times - 2 * half :] for part in (measured, inputs))
    now, later = _told(y, u, half), _told(y, u, half + 1)
    strengths, directions = np.linalg.eigh(now.T @ now / len(now))
    strongest = np.argsort(strengths)[::-1][:order]
    # seen: (channels of all later steps, states), the observability matrix of the book
    seen = directions[:, strongest] * np.maximum(strengths[strongest], np.finfo(np.float64).tiny) ** 0.25
    state = now @ np.linalg.pinv(seen).T
    state_then = later @ np.linalg.pinv(seen[:-channels]).T
    knowns, follows = np.hstack([state, u[:, half]]), np.hstack([state_then, y[:, half]])
    found: Values = np.linalg.lstsq(knowns, follows, rcond=None)[0].T.astype(np.float64)
    left = follows - knowns @ found.T
    floor = np.diag([*np.full(order, np.finfo(np.float64).eps), *np.full(channels, _LEAST_NOISE)])
    noise: Values = np.linalg.cholesky(left.T @ left / len(left) + floor).astype(np.float64)
    return LinearSystem(
        a=found[:order, :order],
        b=found[:order, order:],
        c=noise[:order],
        h=found[order:, :order],
        d=found[order:, order:],
        e=noise[order:],
        start=state.T @ state / len(state),
    )


def unknowns(times: int, channels: int, inputs: int) -> int:
    """How many numbers the regression of a window's later half goes by."""
    half = times // 2
    return (half + 1) * (channels + inputs) + (half - 1) * inputs


def _told(y: Values, u: Values, past: int) -> Values:
    """(windows, later times · channels): what the first `past` steps tell of the others, whose inputs tell the rest."""
    windows = len(y)
    before = np.hstack([part[:, :past].reshape(windows, -1) for part in (u, y)])
    between, after = (part[:, past:].reshape(windows, -1) for part in (u, y))
    found = np.linalg.lstsq(np.hstack([before, between]), after, rcond=None)[0]
    return np.asarray(before @ found[: before.shape[1]], np.float64)
