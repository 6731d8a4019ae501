"""decide: predictions become actions by the domain's policy; the naive policy's action stands beside them."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.policies import Policy
from pipelines.contracts.tasks import Task, quantile_column
from pipelines.stages.changes import Change
from pipelines.stages.score import BASELINE

NAIVE = "naive_"


def decide(domain: Domain, task: Task, policy: Policy, predictions: DataFrame, *, attempt: int) -> Change:
    """Append decisions: `decision_id`, entity, `cut_at`, `step`, `target_at`, the policy's action, `naive_<action>`,
    `task`, `policy`, the model and the run that predicted. A prediction without a value gives no action.
    """
    quantiles = {quantile: F.col(quantile_column(quantile)) for quantile in task.quantiles}
    entity = task.spine.entity
    identity = F.concat_ws("|", F.lit(domain.name), F.lit(task.name), entity, F.unix_micros("cut_at"), "step")
    decisions = predictions.select(
        F.sha2(identity, 256).alias("decision_id"),
        entity,
        "cut_at",
        "step",
        "target_at",
        policy.choose(quantiles).alias(policy.action),
        F.col(BASELINE).alias(NAIVE + policy.action),
        F.lit(task.name).alias("task"),
        F.lit(policy.name).alias("policy"),
        "model",
        "model_version",
        "run_id",
        F.lit(attempt).cast("long").alias("_attempt"),
    ).where(F.col(policy.action).isNotNull())
    return Change(domain.delta_table("gold", f"{task.name}_decisions"), "append", decisions)
