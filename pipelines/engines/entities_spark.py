"""Fits a model of each entity in Spark's workers, as many at once as there is room for; none waits for another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder, Workspace
from pipelines.engines.by_entity import Made, Part, fit_entities, made
from pipelines.engines.workers import session_with_room, told_as_fit_error
from pipelines.models.base import Family

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_OUTCOME = pa.schema([("entity", pa.string()), ("rows", pa.int64()), ("error", pa.string())])
_PARTS_A_WORKER = 4
"""So that a worker whose entities have few rows is not done long before the others."""


def fit(
    family: Family,
    plan: FitPlan,
    workspace: Workspace,
    spark: Callable[[], SparkSession] | None,
    recorder: Recorder,
) -> FitResult:
    """Models pass through the workspace, not through Spark: what a killed fit had finished is there for the next."""
    session = session_with_room(plan, spark)

    def carry_out(parts: Sequence[Part]) -> list[Made]:
        def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for number in (number for batch in batches for number in batch.column(0).to_pylist()):
                outcome = [vars(of) for of in made(family, plan, workspace, number, parts[number])]
                yield pa.RecordBatch.from_pylist(outcome, _OUTCOME)

        if not parts:
            return []
        tasks = session.range(0, len(parts), 1, len(parts)).mapInArrow(work, "entity string, rows long, error string")
        with told_as_fit_error(plan):
            return [Made(**row.asDict()) for row in tasks.collect()]

    return fit_entities(plan, workspace, recorder, _PARTS_A_WORKER * plan.workers, carry_out)
