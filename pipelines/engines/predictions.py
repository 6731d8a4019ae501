"""Batch predictions: a model's scorer over the shards of gold, in as many tasks as the cluster has slots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from pipelines.contracts.fits import Calibration, FitError, FitPlan
from pipelines.contracts.tasks import CLUSTER, GLOBAL, Scope, Share, Span
from pipelines.engines.shards import examples_of
from pipelines.models.base import ClusterScorer
from pipelines.models.bundles import scorer_of
from pipelines.models.rows import LABEL
from pipelines.transforms.intervals import shifted


@dataclass(frozen=True)
class Model:
    """A fitted model: its family's name, its native bytes, the shifts of its intervals if they are calibrated, and
    whether it is one for all entities."""

    family: str
    content: bytes
    calibration: Calibration | None = None
    scope: Scope = GLOBAL


class StaleModel(FitError):
    """The model was made for other features than the declaration now gives; it must be trained anew."""


def predictions(
    spark: SparkSession,
    model: Model,
    plan: FitPlan,
    spans: Mapping[str, Span | Share],
    beside: tuple[str, ...] = (),
) -> DataFrame:
    """Entity, `cut_at`, `step`, `target_at`, the outputs, the query of a Rank, `actual` (null while unknown), `split`,
    the span's name, `cluster` if the model tells one, and the features `beside`, which only tasks of one step have.

    plan: gives the frame and the gold tables. The scorer is the very one that single rows go through.
    """
    scorer = scorer_of(model.family, model.content, model.scope)
    known, tells_clusters = scorer.signature, isinstance(scorer, ClusterScorer)
    if (known.features, known.outputs, known.scope) != (plan.frame.features, plan.outputs, plan.scope):
        raise StaleModel(
            f"{plan.domain}/{plan.task}: the {model.family} model has other features, outputs or scope than the task. "
            "Run the stages train, evaluate and register first."
        )
    count = spark.sparkContext.defaultParallelism

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        of = scorer_of(model.family, model.content, model.scope)
        for shard in (shard for batch in batches for shard in batch.column(0).to_pylist()):
            for name, span in spans.items():
                examples = examples_of(plan, span, shard, count)
                if len(examples):
                    found = of.predict(examples)
                    if model.calibration is not None:
                        found = shifted(found, model.calibration)
                    found = found.append_column("actual", pc.list_flatten(examples[LABEL]))
                    found = found.append_column("split", pa.array([name] * len(found)))
                    if isinstance(of, ClusterScorer):
                        found = found.append_column(CLUSTER, pa.array(of.clusters(examples), pa.int32()))
                    for feature in beside:
                        found = found.append_column(feature, examples[feature].cast(pa.float64()))
                    yield from found.to_batches()

    outputs = ", ".join(f"{column} double" for column in plan.outputs)
    entity = plan.frame.entity
    query = f", {plan.frame.query} string" if plan.frame.query else ""
    types = f"{entity} string, cut_at timestamp, step int, target_at timestamp, {outputs}{query}"
    types += ", actual double, split string"
    types += f", {CLUSTER} int" if tells_clusters else ""
    types += "".join(f", {feature} double" for feature in beside)
    return spark.range(0, count, 1, count).mapInArrow(score, types)


def mean_contributions(
    spark: SparkSession, model: Model, plan: FitPlan, span: Span | Share
) -> Mapping[str, float] | None:
    """By feature the mean size of its contributions to the predictions of all rows of a span, told by the workers; None
    of a family whose scorer tells none, or without rows."""
    count = spark.sparkContext.defaultParallelism

    def add(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        of = scorer_of(model.family, model.content, model.scope)
        for shard in (shard for batch in batches for shard in batch.column(0).to_pylist()):
            examples = examples_of(plan, span, shard, count)
            if len(examples):
                shares = of.contributions(examples)
                if shares is not None:
                    sizes = {"size": np.abs(shares).sum(axis=0), "rows": np.full(shares.shape[1], len(shares))}
                    yield pa.RecordBatch.from_pydict({"feature": list(of.signature.features), **sizes})

    parts = spark.range(0, count, 1, count).mapInArrow(add, "feature string, size double, rows long").toArrow()
    if not len(parts):
        return None
    found = parts.group_by("feature").aggregate([("size", "sum"), ("rows", "sum")]).to_pylist()
    return {row["feature"]: row["size_sum"] / row["rows_sum"] for row in found}
