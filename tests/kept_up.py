"""Gold kept up by one more batch, as the stage keeps it up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Task
from pipelines.stages.gold import questions
from pipelines.stages.renewal import renewed, stale


def kept_up(
    domain: Domain,
    task: Task,
    held: DataFrame,
    statements: Mapping[str, DataFrame],
    said: Mapping[str, DataFrame],
    as_of: datetime,
    since: int,
) -> tuple[DataFrame, int]:
    """The task's gold table after a batch, and how many of its rows were made anew. Parameters: as of `stale`."""
    key = [task.spine.entity, "cut_at"]
    asked = questions(domain, task, statements, as_of).localCheckpoint()
    anew = stale(domain, task, asked, held, said, since).localCheckpoint()
    ((count, first, last),) = anew.agg(F.count("*"), F.min("cut_at"), F.max("cut_at")).collect()
    within = (first, last) if count else None
    changes = renewed(domain, task, asked, anew, held, statements, within).localCheckpoint()
    assert changes.groupBy(*key).count().where("count > 1").isEmpty()
    left = held.join(changes.select(*key), key, "left_anti")
    return left.unionByName(changes.where("not _delete").select(*held.columns)).localCheckpoint(), count
