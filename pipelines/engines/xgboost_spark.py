"""Fits by xgboost.spark: boosting in a barrier stage, the workers summing their histograms."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan, FitResult, Recorder, Workspace
from pipelines.engines.listening import BIND_ADDRESS, first_address, interface
from pipelines.engines.spark_rows import labelled_rows
from pipelines.engines.workers import barrier_with_room, records, told_as_fit_error
from pipelines.models.base import RowsFamily

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOG = logging.getLogger(__name__)


def fit(
    family: RowsFamily,
    plan: FitPlan,
    workspace: Workspace,
    spark: Callable[[], SparkSession] | None,
    recorder: Recorder,
) -> FitResult:
    """One partition a worker, so xgboost.spark leaves the rows where and in the order they are.

    Tracker and workers listen at loopback where Spark's master is local, else in the network of Spark's driver host; or
    at the interface that BIND_ADDRESS names. Where a platform does not let them, one line of warning says so.
    """
    session = barrier_with_room(plan, spark)
    from pipelines.engines.collective import met_at, unbound

    with told_as_fit_error(plan), met_at(_meeting_place(session), workspace):
        result = family.fit_rows(labelled_rows(plan, workspace, session), plan, recorder)
    if why := unbound(workspace):
        begun = f"{plan.family} by {plan.engine}"
        _LOG.warning("%s: workers listened at every address of their machine while they trained: %s", begun, why)
    return replace(result, workers=records(workspace, plan.workers))


def _meeting_place(session: SparkSession) -> str:
    """The address of the driver's machine at which the tracker listens."""
    context = session.sparkContext
    if BIND_ADDRESS in os.environ or str(context.master).startswith("local"):
        return first_address(interface())
    return str(context.getConf().get("spark.driver.host"))
