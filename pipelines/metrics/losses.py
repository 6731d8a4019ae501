"""The metrics that a task may promote by, as sums over periods: what a draw of periods makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.tasks import Task
from pipelines.metrics import classes
from pipelines.metrics.measures import by_query, orders, probabilities, quantiles, queries, values

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

LOSSES = ("mae", "rmse", "pinball", "log_loss", "brier", "error_rate", "disorder")
"""Smaller is better."""
GAINS = ("ndcg", "map", "mrr")
"""Greater is better, and 1 is best."""
_SUREST = float(np.finfo(np.float64).eps)  # no probability counts as more certain than that, as in scikit-learn


@dataclass(frozen=True)
class Counted:
    """A metric over rows or queries, counted by period: what it is in all of them, and in any draw of them.

    over, under: (periods,) whose drawn sums are divided; or (periods, periods) for pairs of rows.
    """

    over: Values
    under: Values
    is_root: bool = False

    def of(self, counts: Values) -> Values:
        """The loss in each draw. counts: (draws, periods)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            share = _summed(counts, self.over) / _summed(counts, self.under)
        return np.sqrt(share) if self.is_root else share

    @property
    def by_period(self) -> Values:
        """Each period's mean, as a series; of pairs, those within it and with all others."""
        with np.errstate(invalid="ignore", divide="ignore"):
            if self.over.ndim == 2:
                return (self.over.sum(axis=0) + self.over.sum(axis=1)) / (
                    self.under.sum(axis=0) + self.under.sum(axis=1)
                )
            return self.over / self.under


def counted(rows: pa.Table, task: Task, metric: str, period: Places, periods: int) -> Counted:
    """The rows' loss or gain by period. metric: one of LOSSES or GAINS that the task has; period: each row's, below
    `periods`, the same for all rows of a query."""
    if metric in GAINS:
        return _of_queries(rows, task, metric, period, periods)
    if metric == "disorder":
        return _pairs(values(rows, "actual"), values(rows, task.point), period, periods)
    loss = _OF_ROW[metric](rows, task)
    return Counted(
        np.bincount(period, weights=loss, minlength=periods).astype(np.float64),
        np.bincount(period, minlength=periods).astype(np.float64),
        is_root=metric == "rmse",
    )


def direction(metric: str) -> float:
    """1 where smaller is better, −1 where greater is."""
    return -1.0 if metric in GAINS else 1.0


def as_loss(metric: str, value: float) -> float:
    """What is to become small: the metric, or what it lacks of 1."""
    return 1.0 - value if metric in GAINS else value


def loss_name(metric: str) -> str:
    """What `as_loss` gives, in a word."""
    return f"{metric}_loss" if metric in GAINS else metric


def _of_queries(rows: pa.Table, task: Task, metric: str, period: Places, periods: int) -> Counted:
    found = orders(rows, task)
    is_judged = found.has_relevant
    _, first_row = np.unique(queries(rows, task), return_index=True)
    of_query = period[first_row][is_judged]
    gain = by_query(found, metric, task)[is_judged]
    return Counted(
        np.bincount(of_query, weights=gain, minlength=periods).astype(np.float64),
        np.bincount(of_query, minlength=periods).astype(np.float64),
    )


def _summed(counts: Values, by_period: Values) -> Values:
    if by_period.ndim == 1:
        return counts @ by_period
    return np.einsum("dp,dp->d", counts @ by_period, counts)


def _pairs(actual: Values, score: Values, period: Places, periods: int) -> Counted:
    """Of the pairs of a 1 and a 0: how many there are between two periods, and in how many the 1 is not above; ties
    count half."""
    is_odd = actual == 1.0
    odd, of_odd = score[is_odd], period[is_odd]
    wrong = np.zeros((periods, periods))
    for at in np.unique(period[~is_odd]):
        usual = np.sort(score[~is_odd & (period == at)])
        below, up_to = (np.searchsorted(usual, odd, side=side) for side in ("left", "right"))
        wrong[:, at] = np.bincount(of_odd, weights=len(usual) - (below + up_to) / 2, minlength=periods)
    ones, zeros = (np.bincount(of, minlength=periods) for of in (of_odd, period[~is_odd]))
    return Counted(wrong, np.outer(ones, zeros).astype(np.float64))


def _absolute(rows: pa.Table, task: Task) -> Values:
    return np.abs(values(rows, task.point) - values(rows, "actual"))


def _squared(rows: pa.Table, task: Task) -> Values:
    return _absolute(rows, task) ** 2


def _pinball(rows: pa.Table, task: Task) -> Values:
    actual = values(rows, "actual")
    short = {quantile: actual - predicted for quantile, predicted in quantiles(rows, task).items()}
    return np.mean([np.maximum(q * of, (q - 1.0) * of) for q, of in short.items()], axis=0)


def _surprise(rows: pa.Table, task: Task) -> Values:
    given = np.clip(_given_to_what_came(rows, task), _SUREST, 1.0 - _SUREST)
    return -np.log(given)


def _brier(rows: pa.Table, task: Task) -> Values:
    if not task.classes:
        return _squared(rows, task)
    given = probabilities(rows, task)
    came = np.eye(given.shape[1])[values(rows, "actual").astype(np.int64)]
    return ((given - came) ** 2).sum(axis=1)


def _is_wrong(rows: pa.Table, task: Task) -> Values:
    given = probabilities(rows, task)
    wrong = (classes.named(given) != values(rows, "actual")) + 0.0
    return np.where(np.isnan(given).any(axis=1), np.nan, wrong)


def _given_to_what_came(rows: pa.Table, task: Task) -> Values:
    actual = values(rows, "actual")
    if task.classes:
        return probabilities(rows, task)[np.arange(len(actual)), actual.astype(np.int64)]
    probability = values(rows, task.point)
    return np.where(actual == 1.0, probability, 1.0 - probability)


_OF_ROW: dict[str, Callable[[pa.Table, Task], Values]] = {
    "mae": _absolute,
    "rmse": _squared,
    "pinball": _pinball,
    "log_loss": _surprise,
    "brier": _brier,
    "error_rate": _is_wrong,
}
