"""What the workers of a fit leave in its workspace, and whether there is room for them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitError, FitPlan, WorkerRecord, Workspace

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
    if spark is None:
        raise FitError(f"{plan.family} by {plan.engine}: this engine needs a Spark session; or use the engine 'single'")
    session = spark()
    slots = session.sparkContext.defaultParallelism
    if slots < plan.workers:
        raise FitError(
            f"{plan.family} by {plan.engine}: {plan.workers} workers need as many slots at once, Spark has {slots}; "
            "lower the number of workers or give Spark more cores"
        )
    return session


@contextmanager
def told_as_fit_error(plan: FitPlan) -> Iterator[None]:
    """What fails on a worker inside is a FitError with the worker's own words, not the JVM's trace."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JJavaError, PySparkException) as error:
        words = re.findall(r"^\w*(?:Error|Exception): .+$", str(error), flags=re.MULTILINE)
        cause = words[0] if words else str(error).splitlines()[0]
        raise FitError(
            f"{plan.family} by {plan.engine}: a worker failed: {cause}. Its trace is in Spark's log"
        ) from error


def _record_file(workspace: Workspace, rank: int) -> Path:
    return workspace.path / f"rank-{rank}.json"
