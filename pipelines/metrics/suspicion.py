"""Features that predict too well to be true, each by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.metrics.ranking import auc

Values = npt.NDArray[np.float64]

TOO_GOOD_AUC, TOO_GOOD_CORRELATION = 0.98, 0.995
"""What no honest single feature is likely to reach. A label that changes little from step to step comes close to the
second by its own last value, so it is drawn where that still passes."""
_FEWEST = 20


@dataclass(frozen=True)
class Suspicion:
    """What a feature by itself says of the label. by: "its values", or "being there" (known for one label alone).
    skill: AUC turned upwards for a label of 0 and 1, of several classes for the one that is told best from the others;
    else Spearman's correlation without its sign."""

    feature: str
    by: str
    skill: float
    is_too_good: bool


def suspicions(features: Mapping[str, Values], label: Values, *, class_count: int) -> list[Suspicion]:
    """Every feature's own skill over the rows whose label is known, the best first; those that cannot be judged (too
    few rows, or one value) are left out.

    features: by name, as long as `label`; NaN is unknown. Give it rows of the training span alone. class_count: how
    many classes the label is the place of, 0 where it is a number.
    """
    is_known = ~np.isnan(label)
    found = []
    for name, values in features.items():
        for by, given in (("its values", values), ("being there", (~np.isnan(values)).astype(np.float64))):
            rows = is_known & ~np.isnan(given)
            skill = _skill(given[rows], label[rows], class_count=class_count)
            if skill is not None:
                limit = TOO_GOOD_AUC if class_count else TOO_GOOD_CORRELATION
                found.append(Suspicion(name, by, skill, skill >= limit))
    return sorted(found, key=lambda one: (-one.skill, one.feature, one.by))


def _skill(values: Values, label: Values, *, class_count: int) -> float | None:
    if len(label) < _FEWEST or (values == values[0]).all() or (label == label[0]).all():
        return None
    if class_count:
        found = [auc((label == place) + 0.0, values) for place in np.unique(label)[1 if class_count == 2 else 0 :]]
        return max(max(of, 1.0 - of) for of in found)
    return abs(float(pd.Series(values).corr(pd.Series(label), method="spearman")))
