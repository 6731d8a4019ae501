"""The order in which the rows of a query stand anyway."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Rank
from pipelines.models.base import Family, Param, Scorer, Signature
from pipelines.models.rows import Values, matrix


class InOrder(Family):
    """Rows in the rising order of a feature, say the place at which they were shown or their price, or all alike, which
    leaves them in the order of their keys: the baseline that every model of orders must beat."""

    name = "in_order"
    tasks = (Rank,)
    params = (Param("by", str, "", None, "feature in whose rising order the rows stand; '': in that of their keys"),)

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        by = str(self.settled(plan.params)["by"])
        if by and by not in plan.frame.features:
            known = ", ".join(plan.frame.features) or "none"
            raise FitError(f"{self.name}: no feature '{by}' to put '{plan.task}' in order by; there are: {known}")
        values = matrix(train, (by,), 1) if by else np.zeros((0, 1))
        last = float(np.nanmax(values)) if np.isfinite(values).any() else 0.0
        content = {"signature": Signature.of(plan).json(), "by": by, "last": last}
        return FitResult(model=json.dumps(content, sort_keys=True).encode(), format="json")

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        return _InOrderScorer(Signature.read(content["signature"]), content["by"], content["last"])


class _InOrderScorer(Scorer):
    """last: what an unknown value counts as, the greatest that training saw: nothing is put before what is known."""

    def __init__(self, signature: Signature, by: str, last: float) -> None:
        super().__init__(signature)
        self._by, self._last = by, last

    def outputs(self, examples: pa.Table) -> Values:
        if not self._by:
            return np.zeros((len(examples), 1))
        return -np.nan_to_num(matrix(examples, (self._by,), 1), nan=self._last)
