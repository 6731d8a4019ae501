"""What a policy acts on where an action depends on what else is asked."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.policies import Picking, Shortlisting
from pipelines.contracts.tasks import Task
from pipelines.transforms.pick import pick_as_they_come, pick_best, pick_first


def picked(rows: DataFrame, task: Task, policy: Picking | Shortlisting, score: str, *, into: str) -> DataFrame:
    """Add the boolean `into`: whether the policy acts on the row, going by the column `score`. What was decided before
    stays, as with pick_best.

    rows: all that are decided on, with their keys and the features that the policy needs.
    """
    entity = task.spine.entity
    if isinstance(policy, Shortlisting):
        order = [entity, "cut_at"]
        return pick_first(rows, F.col(score), policy.first, within=[task.query], order=order, into=into)
    needs, order = {name: F.col(name) for name in policy.needs}, ["cut_at", entity]
    worth, uses = policy.worth(F.col(score), needs), policy.uses(needs)
    if policy.time_zone:
        day = F.to_date(F.from_utc_timestamp("cut_at", policy.time_zone))
        return pick_as_they_come(rows, worth, uses, policy.limit, day=day, order=order, into=into)
    return pick_best(rows, worth, uses, policy.limit, within=[], order=order, into=into)
