"""Every metric of `measures` as sums over periods, by the kind of task: one way for all of them to be drawn anew."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from pipelines.contracts.tasks import CLUSTER, Task
from pipelines.metrics.counts import Counted, ratio
from pipelines.metrics.groups import tenths
from pipelines.metrics.measures import TOP_SHARE, by_query, values
from pipelines.metrics.tally import Tally

Values = npt.NDArray[np.float64]

_SUREST = float(np.finfo(np.float64).eps)  # no probability counts as more certain than that, as in scikit-learn


def counted(tally: Tally, metric: str) -> Counted:
    """One of `metrics_of` by period. A prediction that lacks makes it NaN."""
    return _kind(tally.task)[metric](tally)


def metrics_of(task: Task) -> tuple[str, ...]:
    """The metrics of the task's kind that can be drawn: all of `measures` but counts, what is given, and the skill."""
    return tuple(_kind(task))


def _rmse(of: Tally) -> Counted:
    squares = of.mean((of.point - of.actual) ** 2)
    return Counted(squares.sums, lambda sums: np.sqrt(sums[0] / sums[1]))


def _r2(of: Tally) -> Counted:
    off = of.actual - of.actual.mean()  # sums of squares of large numbers would cancel
    sums = of.summed(np.stack([(of.point - of.actual) ** 2, off, off**2, np.ones(len(off))]))

    def whole(sums: Values) -> Values:
        errors, away, squares, rows = sums
        spread = squares - away**2 / rows
        return np.where(spread > 1e-9 * squares, 1.0 - errors / spread, np.nan)

    return Counted(sums, whole)


def _smape(of: Tally) -> Counted:
    error, size = np.abs(of.point - of.actual), (np.abs(of.actual) + np.abs(of.point)) / 2
    return of.mean(np.divide(error, size, out=np.zeros_like(size), where=size != 0.0))


def _mape(of: Tally) -> Counted:
    with np.errstate(invalid="ignore", divide="ignore"):
        return of.mean(np.abs((of.point - of.actual) / of.actual))


def _pinball(of: Tally) -> Counted:
    short = {quantile: of.actual - predicted for quantile, predicted in of.quantiles.items()}
    return of.mean(np.mean([np.maximum(q * by, (q - 1.0) * by) for q, by in short.items()], axis=0))


def _coverage(of: Tally) -> Counted:
    low, high = (of.quantiles[of.task.quantiles[end]] for end in (0, -1))
    held = (low <= of.actual) & (of.actual <= high)
    return of.mean(np.where(np.isnan(low + high), np.nan, held))


def _width(of: Tally) -> Counted:
    return of.mean(of.quantiles[of.task.quantiles[-1]] - of.quantiles[of.task.quantiles[0]])


def _surprise(of: Tally) -> Counted:
    came = of.given[np.arange(len(of.labels)), of.labels] if of.task.classes else _of_one(of)
    return of.mean(-np.log(np.clip(came, _SUREST, 1.0 - _SUREST)))


def _of_one(of: Tally) -> Values:
    return np.where(of.actual == 1.0, of.point, 1.0 - of.point)


def _brier(of: Tally) -> Counted:
    if not of.task.classes:
        return of.mean((of.point - of.actual) ** 2)
    return of.mean(((of.given - np.eye(of.given.shape[1])[of.labels]) ** 2).sum(axis=1))


def _calibration(of: Tally) -> Counted:
    """Drawn rows stay in the tenth that they have among all rows."""
    told = of.given.max(axis=1) if of.task.classes else of.point
    came = (of.named == of.labels) + 0.0 if of.task.classes else of.actual
    group = tenths(told)
    off = np.where(group == np.arange(group.max() + 1)[:, None], came - told, 0.0)
    sums = of.summed(np.concatenate([off, np.ones((1, len(told)))]))
    return Counted(sums, lambda sums: np.abs(sums[:-1]).sum(axis=0) / sums[-1])


def _accuracy(of: Tally) -> Counted:
    if of.task.classes:
        return of.mean(np.where(np.isnan(of.given).any(axis=1), np.nan, of.named == of.labels))
    return of.mean(np.where(np.isnan(of.point), np.nan, (of.point >= 0.5) == of.actual))


def _error_rate(of: Tally) -> Counted:
    right = _accuracy(of)
    return ratio(right.sums[1] - right.sums[0], right.sums[1])


def _f1(of: Tally) -> Counted:
    named = np.where(np.isnan(of.point), np.nan, of.point >= 0.5)
    sums = of.summed(np.stack([named * of.actual, named + of.actual]))
    return Counted(sums, lambda sums: np.where(sums[1] == 0.0, 0.0, 2.0 * sums[0] / sums[1]))


def _macro_f1(of: Tally) -> Counted:
    each = np.unique(of.labels)[:, None]  # a class that occurs in no row occurs in no draw
    is_of, is_named = (np.asarray(by == each, np.float64) for by in (of.labels, of.named))
    lacking = np.where(np.isnan(of.given).any(axis=1), np.nan, 0.0)
    sums = of.summed(np.concatenate([is_of * is_named + lacking, is_of + is_named, is_of]))

    def whole(sums: Values) -> Values:
        hits, both, count = np.split(sums, 3)
        score = np.divide(2.0 * hits, both, out=np.zeros_like(hits), where=both > 0.0)
        occurs = count > 0.0
        return (score * occurs).sum(axis=0) / occurs.sum(axis=0)

    return Counted(sums, whole)


def _ari(of: Tally) -> Counted:
    """Of the table of labels and clusters; a row that is drawn twice is a pair that both keep together."""
    label, cluster = (
        np.unique(by, return_inverse=True)[1].astype(np.int64) for by in (of.actual, values(of.rows, CLUSTER))
    )
    shape = (int(label.max()) + 1, int(cluster.max()) + 1)
    cell = label * shape[1] + cluster
    sums = np.bincount(cell * of.periods + of.period, minlength=shape[0] * shape[1] * of.periods)

    def whole(sums: Values) -> Values:
        table = sums.reshape(*shape, -1)
        together, of_label, of_cluster, pairs = (
            (counts * (counts - 1.0) / 2.0).reshape(-1, sums.shape[1]).sum(axis=0)
            for counts in (table, table.sum(axis=1), table.sum(axis=0), sums.sum(axis=0))
        )
        by_chance = of_label * of_cluster / pairs
        return (together - by_chance) / ((of_label + of_cluster) / 2.0 - by_chance)

    return Counted(sums.reshape(shape[0] * shape[1], -1).astype(np.float64), whole)


Counter = Callable[[Tally], Counted]

_OF_QUANTILES: dict[str, Counter] = {
    "mae": lambda of: of.mean(np.abs(of.point - of.actual)),
    "rmse": _rmse,
    "bias": lambda of: of.mean(of.point - of.actual),
    "r2": _r2,
    "mape": _mape,
    "smape": _smape,
    "mase": lambda of: of.mean(np.abs(of.point - of.actual) / (of.scale or np.nan)),
    "pinball": _pinball,
    "coverage": _coverage,
    "width": _width,
}
_OF_PROBABILITY: dict[str, Counter] = {
    "log_loss": _surprise,
    "brier": _brier,
    "calibration_error": _calibration,
    "accuracy": _accuracy,
    "f1": _f1,
    "base_rate": lambda of: of.mean(of.actual),
    "auc": lambda of: of.levels.auc(),
    "average_precision": lambda of: of.levels.average_precision(),
    "recall_at_capacity": lambda of: of.levels.recall_at(of.task.capacity),
}
_OF_SCORES: dict[str, Counter] = {
    "disorder": lambda of: of.levels.disorder(),
    "auc": lambda of: of.levels.auc(),
    "average_precision": lambda of: of.levels.average_precision(),
    "recall_at_5pct": lambda of: of.levels.recall_at(TOP_SHARE),
    "base_rate": lambda of: of.mean(of.actual),
    "ari": _ari,
}
_OF_CLASSES: dict[str, Counter] = {
    "log_loss": _surprise,
    "accuracy": _accuracy,
    "error_rate": _error_rate,
    "macro_f1": _macro_f1,
    "brier": _brier,
    "calibration_error": _calibration,
}
_OF_ORDERS: dict[str, Counter] = {
    "ndcg": lambda of: of.of_queries(by_query(of.orders, "ndcg", of.task)),
    "map": lambda of: of.of_queries(by_query(of.orders, "map", of.task)),
    "mrr": lambda of: of.of_queries(by_query(of.orders, "mrr", of.task)),
    "ndcg_at_1": lambda of: of.of_queries(of.orders.ndcg(1)),
}


def _kind(task: Task) -> dict[str, Counter]:
    if task.query:
        return _OF_ORDERS
    if task.is_unlabelled:
        return _OF_SCORES
    if task.quantiles:
        return _OF_QUANTILES
    return _OF_CLASSES if task.classes else _OF_PROBABILITY
