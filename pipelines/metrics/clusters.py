"""How far two ways to part the same rows agree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_rand_score

Values = npt.NDArray[np.float64]


def adjusted_rand(actual: Values, cluster: Values) -> float:
    """Of all pairs of rows, how many clusters keep together or apart as labels do, so scaled that the same parts give 1
    and chance about 0 (adjusted Rand index, Hubert and Arabie 1985); what parts are called does not matter.

    actual: NaN where the label is not known: such rows do not count. A row without a cluster makes it NaN.
    """
    known = ~np.isnan(actual)
    if not known.any():
        raise ValueError("metrics: no row has an actual value")
    labels, given = actual[known], cluster[known]
    if np.isnan(given).any():
        return float("nan")
    return float(adjusted_rand_score(labels.astype(np.int64), given.astype(np.int64)))
