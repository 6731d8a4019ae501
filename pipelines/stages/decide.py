"""decide: predictions become actions by the domain's policy; the naive policy's action stands beside them."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.policies import Assigning, Picking, Policy, Shortlisting
from pipelines.contracts.tasks import BASELINE, Task, quantile_column
from pipelines.stages.changes import Change
from pipelines.transforms.assign import least_expected_cost
from pipelines.transforms.picked import picked

NAIVE = "naive_"


def decide(
    domain: Domain,
    task: Task,
    policy: Policy,
    predictions: DataFrame,
    questions: DataFrame,
    held: DataFrame | None,
    *,
    attempt: int,
) -> Change:
    """Append decisions: `decision_id`, entity, `cut_at`, `step`, `target_at`, the policy's action, `naive_<action>`,
    the features that the policy needs, the query of a shortlist, `task`, `policy`, the model and the run that
    predicted.

    predictions: all there are; those that `held` decisions stand on are not decided again, and what those use of a
    policy's limit is spent. questions: the task's gold, which has the features. A prediction without a value gives no
    action.
    """
    entity = task.spine.entity
    key = [entity, "cut_at", "step"]
    needs: tuple[str, ...] = ()
    if isinstance(policy, Picking | Shortlisting):
        acted = _asked(task, policy, predictions, questions, held)
        for action, score in ((policy.action, task.point), (NAIVE + policy.action, BASELINE)):
            acted = picked(acted, task, policy, score, into=action)
        needs = (task.query, *policy.needs) if isinstance(policy, Shortlisting) else policy.needs
    elif isinstance(policy, Assigning):
        outputs = (task.outputs, task.baseline_columns.values())
        by_class = [dict(zip(task.classes, map(F.col, of), strict=True)) for of in outputs]
        actions = (policy.action, NAIVE + policy.action)
        acted = predictions.withColumns(
            {action: least_expected_cost(of, policy.cost) for action, of in zip(actions, by_class, strict=True)}
        )
    else:
        chosen = policy.choose({quantile: F.col(quantile_column(quantile)) for quantile in task.quantiles})
        naive = F.col(BASELINE).alias(NAIVE + policy.action)
        acted = predictions.select("*", chosen.alias(policy.action), naive)
    if held is not None:
        acted = acted.join(held.select(*key), key, "left_anti")
    identity = F.concat_ws("|", F.lit(domain.name), F.lit(task.name), entity, F.unix_micros("cut_at"), "step")
    decisions = acted.select(
        F.sha2(identity, 256).alias("decision_id"),
        *key,
        "target_at",
        policy.action,
        NAIVE + policy.action,
        *needs,
        F.lit(task.name).alias("task"),
        F.lit(policy.name).alias("policy"),
        "model",
        "model_version",
        "run_id",
        F.lit(attempt).cast("long").alias("_attempt"),
    ).where(F.col(policy.action).isNotNull())
    return Change(domain.delta_table("gold", f"{task.name}_decisions"), "append", decisions)


def _asked(
    task: Task,
    policy: Picking | Shortlisting,
    predictions: DataFrame,
    questions: DataFrame,
    held: DataFrame | None,
) -> DataFrame:
    """The predictions that have a value, with the features that the policy needs and the actions that are held."""
    entity = task.spine.entity
    rows = predictions.where(F.col(task.point).isNotNull())
    if policy.needs:
        rows = rows.join(questions.select(entity, "cut_at", *policy.needs), [entity, "cut_at"])
    if held is not None:
        key = [entity, "cut_at", "step"]
        rows = rows.join(held.select(*key, policy.action, NAIVE + policy.action), key, "left")
    return rows
