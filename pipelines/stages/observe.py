"""observe: what the decisions turned out to be worth, and how fresh and how much the data is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import reduce

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.policies import Policy
from pipelines.contracts.tasks import Task
from pipelines.stages.changes import Change
from pipelines.stages.decide import NAIVE


def realised(domain: Domain, task: Task, policy: Policy, decisions: DataFrame, label_series: DataFrame) -> Change:
    """Rewrite what each decision was worth once its label is known: `value`, `naive_value` (the baseline's forecast
    taken as the action) and `foresight_value` (the label itself taken as the action), in the policy's unit.

    All of it anew each time, because a corrected label corrects the value.
    """
    entity, actual = task.spine.entity, F.col("actual")
    answers = label_series.where("known_until is null").select(
        entity, F.col("at").alias("target_at"), F.col(task.column).alias("actual")
    )
    known = decisions.join(answers, [entity, "target_at"]).where(actual.isNotNull())
    valued = known.select(
        "decision_id",
        entity,
        "cut_at",
        "step",
        "target_at",
        policy.action,
        "actual",
        policy.value(F.col(policy.action), actual).alias("value"),
        policy.value(F.col(NAIVE + policy.action), actual).alias("naive_value"),
        policy.value(actual, actual).alias("foresight_value"),
    )
    return Change(domain.delta_table("gold", f"{task.name}_realised"), "overwrite", valued)


def totals(valued: DataFrame) -> DataFrame:
    """One row: `value`, `naive_value`, `foresight_value` summed over all decisions with a known label."""
    return valued.agg(*[F.sum(name).alias(name) for name in ("value", "naive_value", "foresight_value")])


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
