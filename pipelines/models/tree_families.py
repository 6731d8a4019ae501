"""What a tree and a forest have in common: how they are grown in either engine, and what their leaves answer."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Classify, Estimate, Forecast
from pipelines.models.base import IS_VALIDATION, Scorer, Signature
from pipelines.models.class_weights import WEIGHT
from pipelines.models.labels import check_in_spark, labelled
from pipelines.models.one_against_rest import OneAgainstRest
from pipelines.models.rows import LABEL, Values, matrix
from pipelines.models.terms import average
from pipelines.models.trees import Trees, filled, from_scikit_learn, from_spark, unsealed, with_values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_DESIGN = "design"


class TreesFamily(OneAgainstRest):
    """Trees that split by squared error, each leaf at least `min_leaf` rows.

    A probability is the mean, over the trees, of the share of 1 among a leaf's rows. For labels of 0 and 1 the squared
    error splits as Gini's impurity does; pyspark.ml's classifiers are not used, since they merge two leaves that vote
    for the same class, whatever their shares (measured: of 27 nodes 1 was left where 1 label in 20 was 1).

    A quantile is the mean, over the trees, of that quantile of the training labels in a leaf; 0.5, the point forecast,
    is thus a mean of medians. Meinshausen (2006) takes quantiles of all leaves' labels together, which keeps every
    label for every tree. All training rows count, also those that a tree was grown without. (The forest's errors on
    its training rows would be far too small: its leaves have seen them.)

    Weights of classes count for splits and shares; `min_leaf` counts rows, whatever they weigh.

    What is missing counts as the feature's training mean; categories are read as numbers. Both engines round features
    to single precision. They do not find the same trees: scikit-learn tries every value as a threshold, pyspark.ml one
    in each of `bins` ranges of equally many rows; where a feature has fewer values they agree.
    """

    engines = ("spark_ml", "single")
    tasks = (Forecast, Estimate, Classify)

    @abstractmethod
    def grown_here(self, params: Mapping[str, Any], plan: FitPlan) -> Any:
        """The unfitted regressor of scikit-learn."""

    @abstractmethod
    def grown_in_spark(self, params: Mapping[str, Any], plan: FitPlan) -> Any:
        """The unfitted regressor of pyspark.ml; its columns are set by `fit_one_on_rows`."""

    def fit_one(
        self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder, weights: Values | None
    ) -> FitResult:
        values, labels = labelled(train, plan, "train")
        params = self.settled(plan.params)
        fill = _means(values, np.ones(len(values)) if weights is None else weights)
        model = self.grown_here(params, plan)
        seen_by_trees = filled(values, fill)
        model.fit(seen_by_trees, labels, sample_weight=weights)
        trees = from_scikit_learn(getattr(model, "estimators_", [model]), fill)
        if plan.quantiles:
            leaves = trees.leaves(seen_by_trees)
            found = [_leaf_quantiles(of_tree, labels, plan.quantiles) for of_tree in leaves.T]
            trees = with_values(trees, *map(np.concatenate, zip(*found, strict=True)))
        return _sealed(trees, model.feature_importances_, plan)

    def fit_one_on_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pyspark.ml.feature import VectorAssembler
        from pyspark.sql import functions as F

        check_in_spark(rows, plan)
        params = self.settled(plan.params)
        rows = rows.where(~F.col(IS_VALIDATION))
        columns = [F.col(f"`{name}`") for name in plan.frame.features]
        averages = rows.agg(*[F.coalesce(average(column, rows), F.lit(0.0)) for column in columns]).first()
        assert averages is not None, "an aggregate without groups has one row"
        fill = np.array(averages, np.float64)
        readings = [
            F.coalesce(column, F.lit(float(mean))).cast("float").cast("double").alias(f"_{j}")
            for j, (column, mean) in enumerate(zip(columns, fill, strict=True))
        ]
        weights = [WEIGHT] if WEIGHT in rows.columns else []
        design = rows.select(*readings, LABEL, *weights)
        names = design.columns[: len(readings)]
        estimator = self.grown_in_spark(params, plan).setFeaturesCol(_DESIGN).setLabelCol(LABEL)
        if weights:
            estimator.setWeightCol(WEIGHT)
        model = estimator.fit(VectorAssembler(inputCols=names, outputCol=_DESIGN).transform(design))
        trees = from_spark(model, rows.sparkSession, fill)
        if plan.quantiles:
            trees = _with_leaf_quantiles(trees, design.select(*names, LABEL), plan.quantiles)
        return _sealed(trees, model.featureImportances.toArray(), plan)

    def scorer_of_one(self, model: bytes) -> Scorer:
        trees, content = unsealed(model)
        return _TreesScorer(Signature.read(content["signature"]), trees)


class _TreesScorer(Scorer):
    def __init__(self, signature: Signature, trees: Trees) -> None:
        super().__init__(signature)
        self._trees = trees

    def outputs(self, examples: pa.Table) -> Values:
        return self._trees.means(matrix(examples, self.signature.features, self.signature.steps))


def _means(values: Values, weights: Values) -> Values:
    """(features,): of what is known, 0 where nothing is."""
    counted = ~np.isnan(values) * weights[:, None]
    known = counted.sum(axis=0)
    totals = (np.nan_to_num(values) * counted).sum(axis=0)
    return np.divide(totals, known, out=np.zeros(len(known)), where=known > 0.0)


def _leaf_quantiles(leaves: Any, labels: Values, quantiles: Sequence[float]) -> tuple[Any, Values]:
    """Each leaf that has rows, and its quantiles, interpolated as numpy and Spark do it."""
    order = np.lexsort((labels, leaves))
    found, first, counts = np.unique(leaves[order], return_index=True, return_counts=True)
    at = first[:, None] + np.array(quantiles) * (counts[:, None] - 1)
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, (first + counts - 1)[:, None])
    ascending = labels[order]
    return found, ascending[below] + (ascending[above] - ascending[below]) * (at - below)


def _with_leaf_quantiles(trees: Trees, design: DataFrame, quantiles: Sequence[float]) -> Trees:
    """As `_leaf_quantiles`, of all rows: features in their order and last the label."""
    from pyspark.sql import functions as F

    def fallen(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            *features, labels = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
            leaves = trees.leaves(np.stack(features, axis=1))
            repeated = np.repeat(labels, leaves.shape[1])
            yield pa.RecordBatch.from_arrays([pa.array(leaves.ravel()), pa.array(repeated)], ["leaf", LABEL])

    percentiles = F.percentile(LABEL, F.array(*map(F.lit, quantiles))).alias("quantiles")
    found = design.mapInArrow(fallen, f"leaf long, {LABEL} double").groupBy("leaf").agg(percentiles).collect()
    return with_values(
        trees, np.array([row["leaf"] for row in found]), np.array([row["quantiles"] for row in found], np.float64)
    )


def _sealed(trees: Trees, importances: Values, plan: FitPlan) -> FitResult:
    importance = dict(zip(plan.frame.features, map(float, importances), strict=True))
    model = trees.sealed({"signature": Signature.of(plan).json()})
    return FitResult(model=model, format="safetensors", importance=importance)
