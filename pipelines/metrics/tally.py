"""Rows of a backtest, to be counted by period."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.tasks import Task
from pipelines.metrics import classes
from pipelines.metrics.counts import Counted, Levels, ratio, summed
from pipelines.metrics.measures import orders, probabilities, quantiles, queries, values
from pipelines.metrics.orders import Orders

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Tally:
    """Rows with a known label, each in a period below `periods`, the same for all rows of a query. scale: see
    `measures`."""

    rows: pa.Table
    task: Task
    period: Places
    periods: int
    scale: float | None = None

    def mean(self, of_row: Values) -> Counted:
        return ratio(self.summed(of_row), self.summed(np.ones(len(of_row))))

    def summed(self, of_row: Values) -> Values:
        return summed(of_row, self.period, self.periods)

    @cached_property
    def actual(self) -> Values:
        return values(self.rows, "actual")

    @cached_property
    def point(self) -> Values:
        return values(self.rows, self.task.point)

    @cached_property
    def given(self) -> Values:
        """(rows, classes)"""
        return probabilities(self.rows, self.task)

    @cached_property
    def named(self) -> Places:
        return classes.named(self.given)

    @cached_property
    def labels(self) -> Places:
        return self.actual.astype(np.int64)

    @cached_property
    def quantiles(self) -> Mapping[float, Values]:
        return quantiles(self.rows, self.task)

    @cached_property
    def levels(self) -> Levels:
        return Levels.of(self.actual, self.point, self.period, self.periods)

    @cached_property
    def orders(self) -> Orders:
        return orders(self.rows, self.task)

    @cached_property
    def period_of_query(self) -> Places:
        _, first_row = np.unique(queries(self.rows, self.task), return_index=True)
        return self.period[first_row]

    def of_queries(self, gain: Values) -> Counted:
        """The mean over the queries that have a relevant row."""
        is_judged = self.orders.has_relevant
        of_query = self.period_of_query[is_judged]
        return ratio(
            summed(gain[is_judged], of_query, self.periods), summed(np.ones(len(of_query)), of_query, self.periods)
        )
