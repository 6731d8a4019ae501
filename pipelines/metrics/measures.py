"""Which metrics a task is judged by, from rows of its backtest: what every figure of an evaluation is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.tasks import CLUSTER, Task, quantile_column
from pipelines.metrics import classes, clusters, point, quantile, ranking
from pipelines.metrics.losses import direction
from pipelines.metrics.orders import Orders

Values = npt.NDArray[np.float64]


TOP_SHARE = 0.05
"""Of all rows, those with the greatest anomaly scores: among them the recall of a Detect is counted."""
GIVEN = ("nominal_coverage", "base_rate", "queries", "queries_without")
"""What the rows or the task say, whatever is predicted."""


def measures(rows: pa.Table, naive: pa.Table, task: Task, *, scale: float | None = None) -> dict[str, float]:
    """All metrics of the task's kind over rows with a known label, those of the baseline on the same rows beside them.

    rows, naive: `actual`, the task's outputs and query. scale: the baseline's mean absolute error on the train span,
    for `mase`. A metric that the rows do not define is left out: no order where all labels are alike, no share of an
    actual value of zero. One of a model that lacks a prediction is NaN.
    """
    return beside(alone(rows, task, scale=scale), alone(naive, task, scale=scale), task)


def alone(rows: pa.Table, task: Task, *, scale: float | None = None) -> dict[str, float]:
    """The metrics of one family, without the baseline's."""
    if task.query:
        return _of_orders(rows, task)
    if task.is_unlabelled:
        return _of_scores(rows, task)
    if task.quantiles:
        return _of_quantiles(rows, task, scale)
    return _of_classes(rows, task) if task.classes else _of_probability(rows, task)


def beside(of: Mapping[str, float], naive: Mapping[str, float], task: Task) -> dict[str, float]:
    """Metrics with the baseline's as `naive_…`, and `skill`: by what part of the naive one the metric that stands for
    all is better."""
    found, metric = dict(of), metric_of_skill(task)
    found |= {f"naive_{name}": value for name, value in naive.items() if name in of and name not in GIVEN}
    if metric in of:
        found["skill"] = direction(metric) * point.skill(of[metric], naive[metric]) + 0.0  # never −0
    return found


def metric_of_skill(task: Task) -> str:
    """The metric that stands for all of the task's kind."""
    if task.query:
        return "ndcg"
    return "disorder" if task.is_unlabelled else "mae" if task.quantiles else "log_loss"


def _of_quantiles(rows: pa.Table, task: Task, scale: float | None) -> dict[str, float]:
    actual, predicted = values(rows, "actual"), quantiles(rows, task)
    low, high = task.quantiles[0], task.quantiles[-1]
    by_spread = {
        "r2": point.r2(actual, predicted[0.5]),
        "mape": point.mape(actual, predicted[0.5]),
        "mase": math.nan if scale is None else point.mase(actual, predicted[0.5], scale),
    }
    return {
        "mae": point.mae(actual, predicted[0.5]),
        "rmse": point.rmse(actual, predicted[0.5]),
        "bias": point.bias(actual, predicted[0.5]),
        **{name: value for name, value in by_spread.items() if not math.isnan(value)},
        "smape": point.smape(actual, predicted[0.5]),
        "pinball": quantile.mean_pinball(actual, predicted),
        "coverage": quantile.coverage(actual, predicted[low], predicted[high]),
        "nominal_coverage": high - low,
        "width": quantile.width(predicted[low], predicted[high]),
    }


def _of_probability(rows: pa.Table, task: Task) -> dict[str, float]:
    actual, predicted = values(rows, "actual"), values(rows, task.point)
    found = {
        "log_loss": ranking.log_loss(actual, predicted),
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
        "average_precision": ranking.average_precision(actual, predicted),
        "recall_at_capacity": ranking.recall_at(actual, predicted, task.capacity),
    }


def _of_scores(rows: pa.Table, task: Task) -> dict[str, float]:
    """disorder: in what part of all pairs the odd one does not stand above the other; recall: of a twentieth; ari: how
    far clusters, if the family has any, part the rows as the labels do."""
    actual, score = values(rows, "actual"), values(rows, task.point)
    base_rate = ranking.base_rate(actual)
    if not 0.0 < base_rate < 1.0:
        return {"base_rate": base_rate}
    auc = ranking.auc(actual, score)
    return {
        "disorder": 1.0 - auc,
        "auc": auc,
        "average_precision": ranking.average_precision(actual, score),
        "recall_at_5pct": ranking.recall_at(actual, score, TOP_SHARE),
        "base_rate": base_rate,
        **({"ari": clusters.adjusted_rand(actual, values(rows, CLUSTER))} if CLUSTER in rows.column_names else {}),
    }


def _of_classes(rows: pa.Table, task: Task) -> dict[str, float]:
    actual, given = values(rows, "actual"), probabilities(rows, task)
    accuracy = classes.accuracy(actual, given)
    return {
        "log_loss": classes.log_loss(actual, given),
        "accuracy": accuracy,
        "error_rate": 1.0 - accuracy,
        "macro_f1": classes.macro_f1(actual, given),
        "brier": classes.brier(actual, given),
        "calibration_error": classes.calibration_error(actual, given),
    }


def _of_orders(rows: pa.Table, task: Task) -> dict[str, float]:
    """ndcg and map: of the first `top` places; queries: how many have a relevant row, of which alone the others are
    means; queries_without: how many have none."""
    of = orders(rows, task)
    found = {"queries": float(of.has_relevant.sum()), "queries_without": float((~of.has_relevant).sum())}
    if not found["queries"]:
        return found
    told = {name: of.mean(by_query(of, name, task)) for name in ("ndcg", "map", "mrr")}
    return {**told, "ndcg_at_1": of.mean(of.ndcg(1)), **found}


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
