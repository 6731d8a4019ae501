"""Fits by xgboost.spark: boosting in a barrier stage, the workers summing their histograms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan, FitResult, Recorder, Workspace
from pipelines.engines.spark_rows import labelled_rows
from pipelines.engines.workers import barrier_with_room, records, told_as_fit_error
from pipelines.models.base import RowsFamily

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def fit(
    family: RowsFamily,
    plan: FitPlan,
    workspace: Workspace,
    spark: Callable[[], SparkSession] | None,
    recorder: Recorder,
) -> FitResult:
    """One partition a worker, so xgboost.spark leaves the rows where and in the order they are."""
    session = barrier_with_room(plan, spark)
    with told_as_fit_error(plan):
        result = family.fit_rows(labelled_rows(plan, workspace, session), plan, recorder)
    return replace(result, workers=records(workspace, plan.workers))
