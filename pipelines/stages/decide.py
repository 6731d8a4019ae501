"""decide: predictions become actions by the domain's policy; the naive policy's action stands beside them."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.policies import Assigning, Picking, Policy, Shortlisting
from pipelines.contracts.tasks import BASELINE, Task, quantile_column
from pipelines.stages.changes import Change
from pipelines.transforms.assign import least_expected_cost
from pipelines.transforms.pick import pick_as_they_come, pick_best, pick_first

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
    if isinstance(policy, Picking):
        acted = _picked(task, policy, predictions, questions, held)
        needs = policy.needs
    elif isinstance(policy, Shortlisting):
        acted = _shortlisted(task, policy, predictions, questions, held)
        needs = (task.query, *policy.needs)
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


def _picked(
    task: Task, policy: Picking, predictions: DataFrame, questions: DataFrame, held: DataFrame | None
) -> DataFrame:
    """The predictions with the action, which is true for those that are picked, and the naive policy's."""
    order = ["cut_at", task.spine.entity]
    rows = _asked(task, policy, predictions, questions, held)
    needs = {name: F.col(name) for name in policy.needs}
    for action, probability in _scored(task, policy):
        worth, uses = policy.worth(F.col(probability), needs), policy.uses(needs)
        if policy.time_zone:
            day = F.to_date(F.from_utc_timestamp("cut_at", policy.time_zone))
            rows = pick_as_they_come(rows, worth, uses, policy.limit, day=day, order=order, into=action)
        else:
            rows = pick_best(rows, worth, uses, policy.limit, within=[], order=order, into=action)
    return rows


def _shortlisted(
    task: Task, policy: Shortlisting, predictions: DataFrame, questions: DataFrame, held: DataFrame | None
) -> DataFrame:
    """As `_picked`, the first of each query."""
    rows = _asked(task, policy, predictions, questions, held)
    for action, score in _scored(task, policy):
        order = [task.spine.entity, "cut_at"]
        rows = pick_first(rows, F.col(score), policy.first, within=[task.query], order=order, into=action)
    return rows


def _scored(task: Task, policy: Picking | Shortlisting) -> tuple[tuple[str, str], ...]:
    """Each action with the column that it goes by."""
    return (policy.action, task.point), (NAIVE + policy.action, BASELINE)


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
