"""Several classes by a family that tells two apart: each class against all others, the answers made to sum to 1."""

from __future__ import annotations

import json
from abc import abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import safetensors.numpy

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder
from pipelines.models.base import IS_VALIDATION, RowsFamily, Scorer, Signature
from pipelines.models.class_weights import is_weighted, row_weights, with_weights
from pipelines.models.labels import check_in_spark, labelled
from pipelines.models.rows import LABEL, Values, lists

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_METADATA = "headrace"


class OneAgainstRest(RowsFamily):
    """A family that answers 0 or 1 (or a number) by itself, and several classes by one model for each.

    A class that no training row has gets the probability 0. Where no model finds its class at all likely, all are
    alike.
    """

    tells_classes = True

    @abstractmethod
    def fit_one(
        self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder, weights: Values | None
    ) -> FitResult:
        """As `fit`, never for several classes. weights: how often each train row with a label counts; None: once."""

    @abstractmethod
    def fit_one_on_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        """As `fit_rows`, never for several classes. Rows count as their column WEIGHT says, if they have one."""

    @abstractmethod
    def scorer_of_one(self, model: bytes) -> Scorer:
        """As `scorer`, for what these two made."""

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        params, weights = self.settled(plan.params), None
        if is_weighted(params, plan):
            weights = row_weights(params, plan, labelled(train, plan, "train")[1])
        if not plan.classes:
            return self.fit_one(train, validate, plan, recorder, weights)
        _, labels = labelled(train, plan, "train")
        places, alone = _several(np.unique(labels).tolist(), plan), replace(plan, classes=())
        found = {}
        for place in places:
            learnt, judged = (_against(span, place, plan.frame.steps) for span in (train, validate))
            found[place] = self.fit_one(learnt, judged, alone, recorder, weights)
        return _together(plan, found)

    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        params = self.settled(plan.params)
        if plan.classes or is_weighted(params, plan):
            check_in_spark(rows, plan)
            rows = with_weights(rows, params, plan)
        if not plan.classes:
            return self.fit_one_on_rows(rows, plan, recorder)
        from pyspark.sql import functions as F

        labels = rows.where(~F.col(IS_VALIDATION)).agg(F.sort_array(F.collect_set(LABEL))).first()
        assert labels is not None, "an aggregate without groups has one row"
        places, alone = _several(labels[0], plan), replace(plan, classes=())
        of_each = {place: rows.withColumn(LABEL, (F.col(LABEL) == float(place)).cast("double")) for place in places}
        return _together(
            plan, {place: self.fit_one_on_rows(against, alone, recorder) for place, against in of_each.items()}
        )

    def scorer(self, model: bytes) -> Scorer:
        models = _apart(model)
        if models is None:
            return self.scorer_of_one(model)
        signature, of_each = models
        return _OneAgainstRestScorer(signature, {place: self.scorer_of_one(one) for place, one in of_each.items()})


class _OneAgainstRestScorer(Scorer):
    def __init__(self, signature: Signature, scorers: dict[int, Scorer]) -> None:
        super().__init__(signature)
        self._scorers = scorers

    def outputs(self, examples: pa.Table) -> Values:
        given = np.zeros((len(examples) * self.signature.steps, len(self.signature.classes)))
        for place, scorer in self._scorers.items():
            given[:, place] = np.asarray(scorer.outputs(examples), np.float64).reshape(-1)
        given[given.sum(axis=1) == 0.0] = 1.0  # none is likely: all alike
        return given


def _several(labels: list[float], plan: FitPlan) -> list[int]:
    if len(labels) < 2:
        name = plan.classes[int(labels[0])]
        raise FitError(
            f"{plan.family} by {plan.engine}: every label of the train span is {name}, so there is nothing to tell "
            "apart; train on a longer span"
        )
    return [int(label) for label in labels]


def _against(examples: pa.Table, place: int, steps: int) -> pa.Table:
    """The examples with a label of 1 for the class at this place, and 0 for all others."""
    labels = lists(examples, LABEL, steps)
    two = np.where(np.isnan(labels), np.nan, labels == place)
    offsets = pa.array(np.arange(0, labels.size + 1, steps, dtype=np.int32))
    against = pa.ListArray.from_arrays(offsets, pa.array(two.ravel(), pa.float64(), from_pandas=True))
    return examples.set_column(examples.schema.get_field_index(LABEL), LABEL, against)


def _together(plan: FitPlan, results: dict[int, FitResult]) -> FitResult:
    """One model's bytes of all, by the places of their classes; importance is the mean."""
    arrays = {str(place): np.frombuffer(result.model, np.uint8) for place, result in results.items()}
    content = {"signature": Signature.of(plan).json(), "against_rest": True}
    model = safetensors.numpy.save(arrays, metadata={_METADATA: json.dumps(content, sort_keys=True)})
    importance = {
        name: float(np.mean([result.importance.get(name, 0.0) for result in results.values()]))
        for name in next(iter(results.values())).importance
    }
    return FitResult(model=model, format="safetensors", importance=importance)


def _apart(model: bytes) -> tuple[Signature, dict[int, bytes]] | None:
    """What `_together` made; None for the model of one alone."""
    if model[:1] == b"{":
        return None
    header = json.loads(model[8 : 8 + int.from_bytes(model[:8], "little")])
    content = json.loads(header["__metadata__"][_METADATA])
    if "against_rest" not in content:
        return None
    arrays = safetensors.numpy.load(model)
    return Signature.read(content["signature"]), {int(place): array.tobytes() for place, array in arrays.items()}
