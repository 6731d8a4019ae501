"""Fits by pyspark.ml on rows that the workers read themselves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan, FitResult, Recorder, Workspace
from pipelines.engines.spark_rows import labelled_rows
from pipelines.engines.workers import records, session_with_room, told_as_fit_error
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
    """The rows are kept while the family looks at them several times."""
    rows = labelled_rows(plan, workspace, session_with_room(plan, spark)).persist()
    try:
        with told_as_fit_error(plan):
            result = family.fit_rows(rows, plan, recorder)
    finally:
        rows.unpersist()
    return replace(result, workers=records(workspace, plan.workers))
