"""observe: what the decisions turned out to be worth, and how fresh and how much the data is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial, reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.policies import Assigning, Picking, Policy, Shortlisting, Sizing
from pipelines.contracts.tasks import Events, Task
from pipelines.stages.changes import Change
from pipelines.stages.decide import NAIVE
from pipelines.transforms.assign import cost_of
from pipelines.transforms.pick import pick_best, pick_first

VALUES = ("value", "naive_value", "foresight_value")


def realised(domain: Domain, task: Task, policy: Policy, decisions: DataFrame, label_series: DataFrame) -> Change:
    """Rewrite what each decision was worth once its label is known: `value`, `naive_value` (the naive policy's action)
    and `foresight_value` (the action of one who knows the label), in the policy's unit.

    All of it anew each time, because a corrected label corrects the value.
    """
    entity = task.spine.entity
    answers = label_series.where("known_until is null").select(
        entity, F.col("at").alias("target_at"), F.col(task.column).alias("actual")
    )
    if isinstance(task.spine, Events):
        known = decisions.join(answers.drop("target_at"), [entity])
    else:
        known = decisions.join(answers, [entity, "target_at"])
    known = known.where(F.col("actual").isNotNull())
    match policy:
        case Picking():
            valued = _picking_valued(task, policy, known)
        case Shortlisting():
            valued = _shortlist_valued(task, policy, known)
        case Assigning():
            valued = _assigning_valued(task, policy, known)
        case Sizing():
            valued = _sizing_valued(policy, known)
    query = [task.query] if task.query else []
    kept = ["decision_id", entity, "cut_at", "step", "target_at", *query, policy.action, "actual", *VALUES]
    return Change(domain.delta_table("gold", f"{task.name}_realised"), "overwrite", valued.select(*kept))


def _sizing_valued(policy: Sizing, known: DataFrame) -> DataFrame:
    actual = F.col("actual")
    actions = (F.col(policy.action), F.col(NAIVE + policy.action), actual)
    return known.withColumns({name: policy.value(act, actual) for name, act in zip(VALUES, actions, strict=True)})


def _assigning_valued(task: Task, policy: Assigning, known: DataFrame) -> DataFrame:
    """Foresight treats a thing as what costs least for the class that it is."""
    actual = F.col("actual")
    cheapest = F.array(*[F.lit(min(task.classes, key=partial(_cost_as, policy, of))) for of in task.classes])
    actions = (F.col(policy.action), F.col(NAIVE + policy.action), F.element_at(cheapest, actual.cast("int") + 1))
    return known.withColumns(
        {name: cost_of(action, actual, task.classes, policy.cost) for name, action in zip(VALUES, actions, strict=True)}
    )


def _cost_as(policy: Assigning, actual: str, treated: str) -> float:
    return policy.cost(treated, actual)


def _picking_valued(task: Task, policy: Picking, known: DataFrame) -> DataFrame:
    """Foresight picks the best of each day, or of all, by what they turned out to be worth."""
    needs = {name: F.col(name) for name in policy.needs}
    worth = policy.value(F.col("actual"), needs)
    within = []
    if policy.time_zone:
        known = known.withColumn("_on", F.to_date(F.from_utc_timestamp("cut_at", policy.time_zone)))
        within = ["_on"]
    order = ["cut_at", task.spine.entity]
    known = pick_best(known, worth, policy.uses(needs), policy.limit, within=within, order=order, into="_foresight")
    return _picks_valued(policy, known, worth)


def _shortlist_valued(task: Task, policy: Shortlisting, known: DataFrame) -> DataFrame:
    """Foresight picks the first of each query by what they turned out to be worth, gain or not: places are given."""
    worth = policy.value(F.col("actual"), {name: F.col(name) for name in policy.needs})
    order = [task.spine.entity, "cut_at"]
    known = pick_first(known, worth, policy.first, within=[task.query], order=order, into="_foresight")
    return _picks_valued(policy, known, worth)


def _picks_valued(policy: Picking | Shortlisting, known: DataFrame, worth: Column) -> DataFrame:
    actions = (policy.action, NAIVE + policy.action, "_foresight")
    return known.withColumns(
        {name: F.when(F.col(action), worth).otherwise(0.0) for name, action in zip(VALUES, actions, strict=True)}
    )


def totals(valued: DataFrame) -> DataFrame:
    """One row: `value`, `naive_value`, `foresight_value` summed over all decisions with a known label."""
    return valued.agg(*[F.sum(name).alias(name) for name in VALUES])


def freshness(domain: Domain, silver: Mapping[str, DataFrame], as_of: datetime) -> Change:
    """Rewrite one row a table: `table`, `rows`, `newest_event_at`, `newest_known_at`, `age_h` at the as-of instant."""
    lines = [
        rows.agg(
            F.lit(domain.delta_table("silver", name)).alias("table"),
            F.count("*").alias("rows"),
            F.max(domain.table(name).event_time or "available_at").alias("newest_event_at"),
            F.max("available_at").alias("newest_known_at"),
        )
        for name, rows in sorted(silver.items())
    ]
    age_h = (F.unix_seconds(F.lit(as_of)) - F.unix_seconds("newest_event_at")) / 3600
    frame = reduce(DataFrame.unionByName, lines).withColumns({"as_of": F.lit(as_of), "age_h": age_h})
    return Change(domain.delta_table("gold", "freshness"), "overwrite", frame)
