"""Which metrics a task is judged by, from rows of its backtest: what every figure of an evaluation is made of."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.tasks import CLUSTER, Task, quantile_column
from pipelines.metrics import classes, clusters, point, quantile, ranking
from pipelines.metrics.orders import Orders

Values = npt.NDArray[np.float64]


def measures(rows: pa.Table, naive: pa.Table, task: Task, *, scale: float | None = None) -> dict[str, float]:
    """All metrics of the task's kind over rows with a known label, those of the baseline on the same rows beside them.

    rows, naive: `actual`, the task's outputs and query. scale: the baseline's mean absolute error on the train span,
    for `mase`. A metric that the rows do not define is left out: no order where all labels are alike, no share of an
    actual value of zero. One of a model that lacks a prediction is NaN.
    """
    if task.query:
        return _of_orders(rows, naive, task)
    if task.is_unlabelled:
        return _of_scores(rows, naive, task)
    if task.quantiles:
        return _of_quantiles(rows, naive, task, scale)
    return _of_classes(rows, naive, task) if task.classes else _of_probability(rows, naive, task)


def _of_quantiles(rows: pa.Table, naive: pa.Table, task: Task, scale: float | None) -> dict[str, float]:
    actual, predicted = values(rows, "actual"), quantiles(rows, task)
    mae = point.mae(actual, predicted[0.5])
    naive_mae = point.mae(values(naive, "actual"), values(naive, task.point))
    low, high = task.quantiles[0], task.quantiles[-1]
    by_spread = {
        "r2": point.r2(actual, predicted[0.5]),
        "mape": point.mape(actual, predicted[0.5]),
        "mase": math.nan if scale is None else point.mase(actual, predicted[0.5], scale),
    }
    return {
        "mae": mae,
        "naive_mae": naive_mae,
        "skill": point.skill(mae, naive_mae),
        "rmse": point.rmse(actual, predicted[0.5]),
        "bias": point.bias(actual, predicted[0.5]),
        **{name: value for name, value in by_spread.items() if not math.isnan(value)},
        "smape": point.smape(actual, predicted[0.5]),
        "pinball": quantile.mean_pinball(actual, predicted),
        "coverage": quantile.coverage(actual, predicted[low], predicted[high]),
        "nominal_coverage": high - low,
        "width": quantile.width(predicted[low], predicted[high]),
    }


def _of_probability(rows: pa.Table, naive: pa.Table, task: Task) -> dict[str, float]:
    actual, predicted = values(rows, "actual"), values(rows, task.point)
    naive_actual, naive_predicted = values(naive, "actual"), values(naive, task.point)
    log_loss = ranking.log_loss(actual, predicted)
    naive_log_loss = ranking.log_loss(naive_actual, naive_predicted)
    found = {
        "log_loss": log_loss,
        "naive_log_loss": naive_log_loss,
        "skill": point.skill(log_loss, naive_log_loss),
        "brier": ranking.brier(actual, predicted),
        "calibration_error": ranking.calibration_error(actual, predicted),
        "accuracy": ranking.accuracy(actual, predicted),
        "f1": ranking.f1(actual, predicted),
        "base_rate": ranking.base_rate(actual),
    }
    if not 0.0 < found["base_rate"] < 1.0:
        return found
    return found | {
        "auc": ranking.auc(actual, predicted),
        "naive_auc": ranking.auc(naive_actual, naive_predicted),
        "average_precision": ranking.average_precision(actual, predicted),
        "naive_average_precision": ranking.average_precision(naive_actual, naive_predicted),
        "recall_at_capacity": ranking.recall_at(actual, predicted, task.capacity),
    }


def _of_scores(rows: pa.Table, naive: pa.Table, task: Task) -> dict[str, float]:
    """disorder: in what part of all pairs the odd one does not stand above the other; recall: of a twentieth; ari: how
    far clusters, if the family has any, part the rows as the labels do."""
    actual, score = values(rows, "actual"), values(rows, task.point)
    base_rate = ranking.base_rate(actual)
    if not 0.0 < base_rate < 1.0:
        return {"base_rate": base_rate}
    naive_actual, naive_score = values(naive, "actual"), values(naive, task.point)
    auc, naive_auc = ranking.auc(actual, score), ranking.auc(naive_actual, naive_score)
    return {
        "disorder": 1.0 - auc,
        "naive_disorder": 1.0 - naive_auc,
        "skill": point.skill(1.0 - auc, 1.0 - naive_auc),
        "auc": auc,
        "naive_auc": naive_auc,
        "average_precision": ranking.average_precision(actual, score),
        "naive_average_precision": ranking.average_precision(naive_actual, naive_score),
        "recall_at_5pct": ranking.recall_at(actual, score, 0.05),
        "base_rate": base_rate,
        **({"ari": clusters.adjusted_rand(actual, values(rows, CLUSTER))} if CLUSTER in rows.column_names else {}),
    }


def _of_classes(rows: pa.Table, naive: pa.Table, task: Task) -> dict[str, float]:
    actual, given = values(rows, "actual"), probabilities(rows, task)
    log_loss = classes.log_loss(actual, given)
    naive_log_loss = classes.log_loss(values(naive, "actual"), probabilities(naive, task))
    accuracy = classes.accuracy(actual, given)
    return {
        "log_loss": log_loss,
        "naive_log_loss": naive_log_loss,
        "skill": point.skill(log_loss, naive_log_loss),
        "accuracy": accuracy,
        "error_rate": 1.0 - accuracy,
        "naive_accuracy": classes.accuracy(values(naive, "actual"), probabilities(naive, task)),
        "macro_f1": classes.macro_f1(actual, given),
        "brier": classes.brier(actual, given),
        "calibration_error": classes.calibration_error(actual, given),
    }


def _of_orders(rows: pa.Table, naive: pa.Table, task: Task) -> dict[str, float]:
    """ndcg and map: of the first `top` places; queries: how many have a relevant row, of which alone the others are
    means; queries_without: how many have none. skill: by what part the NDCG is more than the naive one."""
    mine, theirs = orders(rows, task), orders(naive, task)
    found = {"queries": float(mine.has_relevant.sum()), "queries_without": float((~mine.has_relevant).sum())}
    if not found["queries"]:
        return found
    told: dict[str, float] = {}
    for name in ("ndcg", "map", "mrr"):
        told |= {
            name: mine.mean(by_query(mine, name, task)),
            f"naive_{name}": theirs.mean(by_query(theirs, name, task)),
        }
    first = {"ndcg_at_1": mine.mean(mine.ndcg(1)), "naive_ndcg_at_1": theirs.mean(theirs.ndcg(1))}
    return {**told, "skill": 0.0 - point.skill(told["ndcg"], told["naive_ndcg"]), **first, **found}


def orders(rows: pa.Table, task: Task) -> Orders:
    """The rows of a backtest, one at least, in the order of their scores; equal ones in that of the rows."""
    return Orders.of(values(rows, "actual"), values(rows, task.point), queries(rows, task))


def queries(rows: pa.Table, task: Task) -> npt.NDArray[np.int64]:
    """Each row's query as a number from 0, in the order of their names."""
    _, number = np.unique(np.asarray(rows[task.query]).astype(str), return_inverse=True)
    return number


def by_query(of: Orders, metric: str, task: Task) -> Values:
    """A metric of each query; NaN of those without a relevant row. metric: ndcg, map or mrr."""
    if metric == "ndcg":
        return of.ndcg(task.top)
    return of.average_precision(task.top) if metric == "map" else of.reciprocal_rank()


def values(rows: pa.Table, column: str) -> Values:
    """A column as doubles, null as NaN."""
    return np.asarray(rows[column].to_numpy(), np.float64)


def quantiles(rows: pa.Table, task: Task) -> dict[float, Values]:
    """The predicted quantiles of a backtest."""
    return {q: values(rows, quantile_column(q)) for q in task.quantiles}


def probabilities(rows: pa.Table, task: Task) -> Values:
    """(rows, classes) of a backtest."""
    return np.stack([values(rows, output) for output in task.outputs], axis=1)
