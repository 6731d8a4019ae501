"""The executors of a fit plan: one module each, found by name. `fit` picks the one that the plan names."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder, WorkerLost, Workspace
from pipelines.contracts.tasks import GLOBAL, PER_ENTITY
from pipelines.engines.recorder import begin
from pipelines.engines.shards import with_encodings
from pipelines.engines.warm_starts import with_warm_start
from pipelines.models.base import families

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PER_ENTITY_ENGINES = ("entities_spark", "single")
"""What can fit a model of each entity, whatever its family; the preferred one first."""
_TRIES = 3
"""How often a fit is begun whose workers get lost; each goes on from the checkpoint of the one before."""


def fit(plan: FitPlan, workspace: Workspace, spark: Callable[[], SparkSession] | None, recorder: Recorder) -> FitResult:
    """Fit the plan's family by the plan's engine; the only way in.

    spark: gives the session when an engine needs it; None where there is none. recorder: a FileRecorder of the same
    workspace, which is made if need be. A fit that was killed there goes on from its checkpoint and ends with the model
    that it would have made.
    Raises FitError with the family, the engine and the cause; DeclarationError for a parameter the family lacks.
    """
    family = families().get(plan.family)
    if family is None:
        raise FitError(f"no family '{plan.family}'; there are: {', '.join(families())}")
    family.settled(plan.params)
    family.must_answer(plan)
    engines = family.engines if plan.scope == GLOBAL else PER_ENTITY_ENGINES
    if plan.engine not in engines:
        what = plan.family if plan.scope == GLOBAL else f"{plan.family} of each {plan.frame.entity}"
        raise FitError(f"{what} cannot be fitted by '{plan.engine}'; it can by: {', '.join(engines)}")
    if plan.scope == PER_ENTITY and plan.warm_start:
        raise FitError(
            f"{plan.family} of each {plan.frame.entity} cannot begin from {plan.warm_start}; leave the warm start "
            "out, or the scope"
        )
    engine = importlib.import_module(f"{__name__}.{plan.engine}")
    started = time.monotonic()
    whole = with_encodings(with_warm_start(plan))
    for tries_left in reversed(range(_TRIES)):
        begin(workspace, plan.key)
        try:
            result: FitResult = engine.fit(family, whole, workspace, spark, recorder)
            break
        except WorkerLost:
            if not tries_left:
                raise
    return replace(result, curves=recorder.points(), seconds=time.monotonic() - started)
