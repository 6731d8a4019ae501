"""Cases in about equally large groups by what was predicted for them, to see where a model is right and where not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Groups = npt.NDArray[np.intp]


def tenths(predicted: Values) -> Groups:
    """Each row's group, 0 for the smallest predictions, up to ten of them; equal predictions share a group."""
    last = (np.arange(1, 10) * len(predicted) + 9) // 10 - 1  # of each tenth but the greatest, in rising order
    edges = np.sort(predicted)[last]
    _, group = np.unique(np.searchsorted(edges, predicted, side="left"), return_inverse=True)
    return group


def mean_of(values: Values, group: Groups) -> Values:
    """The mean of `values` in each group."""
    return np.bincount(group, weights=values) / np.bincount(group)


def wilson(hits: Values, cases: Values) -> tuple[Values, Values]:
    """The 95% interval of a share of which `hits` of `cases` were seen (Wilson 1927); no hits still leave room."""
    z = 1.96
    middle = (hits + z**2 / 2) / (cases + z**2)
    half = z / (cases + z**2) * np.sqrt(hits * (cases - hits) / cases + z**2 / 4)
    return np.maximum(middle - half, 0.0), np.minimum(middle + half, 1.0)
