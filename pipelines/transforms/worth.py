"""What acting on predictions came to, row by row."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.policies import Assigning, Picking, Policy, Shortlisting
from pipelines.contracts.tasks import Task, quantile_column
from pipelines.transforms.assign import cost_of, least_expected_cost
from pipelines.transforms.picked import picked


def with_worth(predictions: DataFrame, task: Task, policy: Policy) -> DataFrame:
    """Predictions with what the policy's action by them came to (`value`, in its unit), and what the naive policy's did
    (`naive_value`): of a Sizing it takes the point as its action, of the others it goes by the baseline's predictions,
    so it is the baseline's rows for which that is of interest.

    predictions: `actual`, the task's outputs, its keys and what the policy needs; all that one limit is shared among.
    Null where the policy gives no action; what is not picked is worth nothing.
    """
    actual = F.col("actual")
    if isinstance(policy, Picking | Shortlisting):
        gain = policy.value(actual, {name: F.col(name) for name in policy.needs})
        rows = picked(predictions, task, policy, task.point, into="_is_picked")
        value = F.when(F.col("_is_picked"), gain).otherwise(0.0)
        return rows.withColumns({"value": value, "naive_value": value}).drop("_is_picked")
    if isinstance(policy, Assigning):
        by_class = {name: F.col(output) for name, output in zip(task.classes, task.outputs, strict=True)}
        value = cost_of(least_expected_cost(by_class, policy.cost), actual, task.classes, policy.cost)
        return predictions.withColumns({"value": value, "naive_value": value})
    chosen = policy.choose({quantile: F.col(quantile_column(quantile)) for quantile in task.quantiles})
    return predictions.withColumns(
        {"value": policy.value(chosen, actual), "naive_value": policy.value(F.col(task.point), actual)}
    )
