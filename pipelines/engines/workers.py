"""What the workers of a fit leave in its workspace, and whether there is room for them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitError, FitPlan, WorkerLost, WorkerRecord, Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_LOST = ("Python worker exited unexpectedly", "ExecutorLostFailure")
"""What Spark says when a worker process or an executor has gone."""


def leave_record(workspace: Workspace, record: WorkerRecord) -> None:
    """Write one worker's record; a repeated task writes the same again."""
    _record_file(workspace, record.rank).write_text(json.dumps(asdict(record)), encoding="utf-8")


def records(workspace: Workspace, workers: int) -> tuple[WorkerRecord, ...]:
    """The records of all workers in the order of their ranks; those that left none are missing."""
    files = [_record_file(workspace, rank) for rank in range(workers)]
    return tuple(WorkerRecord(**json.loads(file.read_text(encoding="utf-8"))) for file in files if file.exists())


def session_with_room(plan: FitPlan, spark: Callable[[], SparkSession] | None) -> SparkSession:
    """The session, if all workers can run in it at once: else training would wait for ever (measured: 394 s without
    an error)."""
    begun = f"{plan.family} by {plan.engine}"
    if spark is None:
        raise FitError(f"{begun}: this engine needs a Spark session; or use the engine 'single'")
    session = spark()
    if plan.device == "cuda" and not str(session.sparkContext.master).startswith("local"):
        _must_give_gpus(session, begun, plan.workers)
    slots = _slots(session)
    if slots < plan.workers and not _is_dynamic(session):
        raise FitError(
            f"{begun}: {plan.workers} workers need as many slots at once, Spark has {slots}; "
            "lower the number of workers or give Spark more cores"
        )
    return session


def barrier_with_room(plan: FitPlan, spark: Callable[[], SparkSession] | None) -> SparkSession:
    """The same for an engine whose workers make up a barrier stage."""
    session = session_with_room(plan, spark)
    if _is_dynamic(session):
        raise FitError(
            f"{plan.family} by {plan.engine}: a barrier stage cannot run with dynamic allocation; "
            "set spark.dynamicAllocation.enabled to false"
        )
    return session


def _is_dynamic(session: SparkSession) -> bool:
    return session.conf.get("spark.dynamicAllocation.enabled", "false") == "true"


def _slots(session: SparkSession) -> int:
    """How many tasks Spark can run at once, by cores, spark.task.cpus and the amounts of GPUs."""
    context = session.sparkContext._jsc.sc()  # no public way tells of more than the cores
    return int(context.maxNumConcurrentTasks(context.resourceProfileManager().defaultResourceProfile()))


def _must_give_gpus(session: SparkSession, begun: str, workers: int) -> None:
    """FitError if conf does not give each worker a GPU of its own."""
    for who in ("executor", "task"):
        key = f"spark.{who}.resource.gpu.amount"
        if float(session.conf.get(key, "0") or 0) < 1.0:
            raise FitError(
                f"{begun}: conf says training.device: cuda, and {workers} workers need a GPU each, but {key} is "
                f"{session.conf.get(key, 'not set')}; set it to 1 or more, or say device: cpu"
            )


@contextmanager
def told_as_fit_error(plan: FitPlan) -> Iterator[None]:
    """What fails on a worker inside is a FitError with the worker's own words, not the JVM's trace."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        if any(said in str(error) for said in _LOST):
            lost = "a worker ended without a word, as when it is killed"
            raise WorkerLost(f"{plan.family} by {plan.engine}: {lost}") from error
        words = re.findall(r"^\w*(?:Error|Exception): .+$", str(error), flags=re.MULTILINE)
        if not words:  # not on a worker: the JVM says by itself what it is, after the name of what was called
            _, _, told = str(error).partition("\n: ")
            cause = (told or str(error)).splitlines()[0]
            raise FitError(f"{plan.family} by {plan.engine}: Spark failed: {cause}") from error
        raise FitError(
            f"{plan.family} by {plan.engine}: a worker failed: {words[0]}. Its trace is in Spark's log"
        ) from error


def _record_file(workspace: Workspace, rank: int) -> Path:
    return workspace.path / f"rank-{rank}.json"
