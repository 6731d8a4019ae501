"""Whether two programs give the same answers."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

TOLERANCE = 1e-5
"""Disparity up to which an exported model counts as the same: what is left where sums of single precision are taken in
another order."""


def disparity(expected: npt.NDArray[np.floating], found: npt.NDArray[np.floating]) -> float:
    """The greatest difference of two arrays of answers, each as a part of the greatest of 1, the expected answer and
    the mean size of all of them: so of a probability it is absolute, of a load in MW relative.

    Where nothing is expected (NaN), anything may be found; infinite where an answer is missing, or the shapes differ.
    """
    if expected.shape != found.shape:
        return math.inf
    known = ~np.isnan(expected)
    if not known.any():
        return 0.0
    wanted, given = expected[known].astype(np.float64), found[known].astype(np.float64)
    size = np.abs(wanted)
    apart = np.abs(given - wanted) / np.maximum(np.maximum(1.0, size.mean()), size)
    return float(np.nan_to_num(apart, nan=math.inf, posinf=math.inf).max())
