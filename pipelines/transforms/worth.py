"""What acting on predictions came to, row by row, where an action depends on its own row alone."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.policies import Assigning, Sizing
from pipelines.contracts.tasks import Task, quantile_column
from pipelines.transforms.assign import cost_of, least_expected_cost


def with_worth(predictions: DataFrame, task: Task, policy: Sizing | Assigning) -> DataFrame:
    """Predictions with what the policy's action by them came to (`value`, in its unit), and what the naive policy's did
    (`naive_value`), which takes the point as its action; it is the baseline's rows for which that is of interest.

    predictions: `actual` and the task's outputs. Null where the policy gives no action.
    """
    actual = F.col("actual")
    if isinstance(policy, Assigning):
        by_class = {name: F.col(output) for name, output in zip(task.classes, task.outputs, strict=True)}
        value = cost_of(least_expected_cost(by_class, policy.cost), actual, task.classes, policy.cost)
        return predictions.withColumns({"value": value, "naive_value": value})
    chosen = policy.choose({quantile: F.col(quantile_column(quantile)) for quantile in task.quantiles})
    return predictions.withColumns(
        {"value": policy.value(chosen, actual), "naive_value": policy.value(F.col(task.point), actual)}
    )
