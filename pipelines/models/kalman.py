"""A linear system with a hidden state, and the Kalman filter that follows it through windows of measurements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.models.rows import Values


@dataclass(frozen=True)
class LinearSystem:
    """x' = a x + b u + c w for the state of the next step, y = h x + d u + e w for what is measured in this one.

    w: standard normal, drawn anew at each step; what it has in common in both is noise that moves the state and is
    measured, too. start: the covariance of the state before the first step of a window, its mean is 0.
    """

    a: Values
    b: Values
    c: Values
    h: Values
    d: Values
    e: Values
    start: Values

    def innovations(self, measured: Values, inputs: Values) -> tuple[Values, npt.NDArray[np.int64]]:
        """(windows, times) each: the squared length of what was measured beyond what was to be expected after all steps
        before, in units of its expected size; and of how many channels it is. Of as many degrees of freedom is the
        chi-squared distribution that the squares have while the system is the one that it was.

        measured: (windows, times, channels), NaN where nothing was. inputs: (windows, times, inputs), never NaN.
        (Kalman 1960; with noise in common as in Anderson and Moore 1979, 5.4.)

        Gains depend on what is missing, not on what was measured, so windows with the same gaps go together. Sums go
        term by term: a window's bits do not depend on those beside it.
        """
        windows, times, channels = measured.shape
        squares = np.zeros((windows, times))
        is_known = np.isfinite(measured)
        gaps, which = np.unique(is_known.reshape(windows, times * channels), axis=0, return_inverse=True)
        for number, known in enumerate(gaps.reshape(-1, times, channels)):
            rows = np.flatnonzero(which.ravel() == number)
            y, u = measured[rows].transpose(1, 2, 0), inputs[rows].transpose(1, 2, 0)
            x = np.zeros((len(self.a), len(rows)))
            for time, step in enumerate(self._steps(known)):
                expected = _times(self.h[step.channels], x) + _times(self.d[step.channels], u[time])
                innovation = y[time][step.channels] - expected
                squares[rows, time] = _summed(_times(step.whitening, innovation) ** 2)
                x = _times(self.a, x) + _times(self.b, u[time]) + _times(step.gain, innovation)
        return squares, is_known.sum(axis=2)

    def _steps(self, known: npt.NDArray[np.bool_]) -> Iterator[_Step]:
        """known: (times, channels)."""
        p = self.start
        for channels in map(np.flatnonzero, known):
            h, e = self.h[channels], self.e[channels]
            root = np.linalg.cholesky(h @ p @ h.T + e @ e.T)
            whitening = np.linalg.inv(root)
            cross = (self.a @ p @ h.T + self.c @ e.T) @ whitening.T
            yield _Step(channels, whitening, cross @ whitening)
            p = self.a @ p @ self.a.T + self.c @ self.c.T - cross @ cross.T
            p = (p + p.T) / 2.0


class _Step(NamedTuple):
    """channels: that are measured. whitening: from their innovation to one of independent parts of variance 1."""

    channels: npt.NDArray[np.intp]
    whitening: Values
    gain: Values


def _times(of: Values, columns: Values) -> Values:
    """The matrix product with (k, windows), summed in one order for any number of windows."""
    found = np.zeros((len(of), columns.shape[1]))
    for j, column in enumerate(columns):
        found += of[:, j, None] * column
    return found


def _summed(rows: Values) -> Values:
    total = np.zeros(rows.shape[1])
    for row in rows:
        total += row
    return total
