"""Fits in this process: what tests use, and enough for small tasks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan, FitResult, Recorder, WorkerRecord, Workspace
from pipelines.contracts.tasks import PER_ENTITY
from pipelines.engines.by_entity import Made, Part, fit_entities, made
from pipelines.engines.shards import examples_of, shard_hash
from pipelines.models.base import Family

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def fit(
    family: Family,
    plan: FitPlan,
    workspace: Workspace,
    spark: Callable[[], SparkSession] | None,
    recorder: Recorder,
) -> FitResult:
    """Every family can be fitted here, without Spark; models of each entity one after the other."""
    if plan.scope == PER_ENTITY:

        def carry_out(parts: Sequence[Part]) -> Iterator[Made]:
            for number, part in enumerate(parts):
                yield from made(family, plan, workspace, number, part)

        return fit_entities(plan, workspace, recorder, 1, carry_out)
    train = examples_of(plan, plan.train, every=family.origins_every(plan.params))
    validate = examples_of(plan, plan.validate)
    result = family.fit(train, validate, plan, recorder)
    record = WorkerRecord(0, os.getpid(), len(train), shard_hash(train, plan.frame.entity))
    return result if result.workers else replace(result, workers=(record,))
