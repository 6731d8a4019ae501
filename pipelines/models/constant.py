"""What the labels were in training, whatever is asked about."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Classify, Detect, Estimate
from pipelines.models.base import Family, Scorer, Signature
from pipelines.models.labels import labelled
from pipelines.models.rows import Values


class Constant(Family):
    """The train labels' shares as probabilities, or their quantiles: the baseline that knows nothing of an event, which
    every model of events must beat."""

    name = "constant"
    tasks = (Estimate, Classify, Detect)
    tells_classes = True
    params = ()

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        if plan.is_unlabelled:
            return _sealed([0.5], plan)
        _, labels = labelled(train, plan, "train")
        if plan.quantiles:
            outputs = np.quantile(labels, plan.quantiles).tolist()
        elif plan.classes:
            outputs = [float((labels == place).mean()) for place in range(len(plan.classes))]
        else:
            outputs = [float(labels.mean())]
        return _sealed(outputs, plan)

    def scorer(self, model: bytes) -> Scorer:
        content = json.loads(model)
        return _ConstantScorer(Signature.read(content["signature"]), content["outputs"])


def _sealed(outputs: list[float], plan: FitPlan) -> FitResult:
    content = {"signature": Signature.of(plan).json(), "outputs": outputs}
    return FitResult(model=json.dumps(content, sort_keys=True).encode(), format="json")


class _ConstantScorer(Scorer):
    def __init__(self, signature: Signature, outputs: list[float]) -> None:
        super().__init__(signature)
        self._outputs = np.array(outputs)

    def outputs(self, examples: pa.Table) -> Values:
        return np.tile(self._outputs, (len(examples) * self.signature.steps, 1))
