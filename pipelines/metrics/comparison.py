"""Families side by side on the same rows: how sure each figure is, over all and in every slice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.tasks import CLUSTER, ByHash, Task
from pipelines.metrics.losses import GAINS, LOSSES, counted, direction
from pipelines.metrics.measures import measures, values
from pipelines.metrics.resampling import Draws, block_length, drawn, groups, groups_of, interval, periods

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
SliceRow = Mapping[str, str | int | float]

MOST_VALUES = 50
"""Of a slice with more names, those with the most rows are shown."""


@dataclass(frozen=True)
class Compared:
    """Every family's rows of one span, all in one order. leader: the family that the others are compared with besides
    the baseline. period: each row's; draws: of the periods. Rows may say what acting on them came to (`value`), and
    what the naive policy by them did (`naive_value`)."""

    rows: Mapping[str, pa.Table]
    task: Task
    leader: str
    period: Places
    draws: Draws

    @classmethod
    def of(cls, rows: Mapping[str, pa.Table], task: Task, leader: str) -> Compared:
        """Blocks are as long as the loss of any family asks for, or its distance from the baseline's.

        rows: by family, with a known label; ValueError where families were asked about different rows.
        """
        baseline = rows[task.promote.must_beat]
        for family, of in rows.items():
            if len(of) != len(baseline):
                raise ValueError(f"metrics: {len(of)} rows of {family} beside {len(baseline)} of the baseline")
        if isinstance(task.split, ByHash):
            period = groups_of(np.asarray(baseline[task.query])) if task.query else groups(len(baseline))
            return cls(rows, task, leader, period, drawn(int(period.max()) + 1, 1))
        period = periods(baseline["cut_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy())
        count = int(period.max()) + 1
        losses = [counted(of, task, judged_by(task)[-1], period, count).by_period for of in rows.values()]
        naive = losses[list(rows).index(task.promote.must_beat)]
        series = [*losses, *[loss - naive for loss in losses if loss is not naive]]
        longest = max(block_length(of[np.isfinite(of)]) for of in series)
        return cls(rows, task, leader, period, drawn(count, longest))

    def intervals(self, family: str) -> dict[str, float]:
        """For each loss that the task is judged by: where it lies, its skill, and its distance from the baseline's and
        the leader's, each with the ends of its interval (`…_low`, `…_high`). What is not defined is left out."""
        found: dict[str, float] = {}
        everywhere = np.ones(len(self.period), bool)
        for metric in judged_by(self.task):
            found |= self._of(metric, family, everywhere)
        return found

    def by_slice(self, family: str, slices: Sequence[str], scale: float | None) -> Iterator[SliceRow]:
        """A row for each value of each slice, the first for all rows: the loss that the task promotes by with its
        intervals, then every metric. slices: columns of the baseline's rows; scale: see `measures`."""
        naive = self.rows[self.task.promote.must_beat]
        metric = judged_by(self.task)[-1]
        for name, group, where in self._parts(naive, slices):
            of_family, of_naive = (self._rows_of(family, where), self._rows_of(self.task.promote.must_beat, where))
            row: dict[str, str | int | float] = {"slice": name, "group": group, "rows": int(where.sum())}
            told = measures(of_family, of_naive, self.task, scale=scale)
            ends = self._of(metric, family, where) if metric in told else {}  # no order where all labels are alike
            yield row | ends | self.worth(family, where) | told

    def worth(self, family: str, where: Flags | None = None) -> dict[str, float]:
        """What acting on the predictions came to in sum, what the naive policy came to by the baseline's, and how much
        more that is, with the ends of its interval; nothing where rows do not say."""
        naive_rows = self.rows[self.task.promote.must_beat]
        if "value" not in naive_rows.column_names:
            return {}
        where = np.ones(len(self.period), bool) if where is None else where
        value, naive = values(self.rows[family], "value")[where], values(naive_rows, "naive_value")[where]
        by_period = np.bincount(self.period[where], weights=value - naive, minlength=self.draws.counts.shape[1])
        more = float(by_period.sum())
        low, high = interval(more, self.draws.counts @ by_period, self.draws.blocks)
        found = {"value": float(value.sum()), "naive_value": float(naive.sum()), "value_minus_naive": more}
        found |= {"value_minus_naive_low": low, "value_minus_naive_high": high}
        return {name: told for name, told in found.items() if math.isfinite(told)}

    def _parts(self, rows: pa.Table, slices: Sequence[str]) -> Iterator[tuple[str, str, Flags]]:
        yield "all", "", np.ones(len(rows), bool)
        for name in slices:
            counts = pc.value_counts(rows[name].combine_chunks())
            most = sorted(counts.to_pylist(), key=lambda of: -of["counts"])
            most = most[:MOST_VALUES] if pa.types.is_string(rows[name].type) else most
            for value in sorted(of["values"] for of in most) if len(counts) > 1 else ():
                yield name, str(value), pc.equal(rows[name], value).to_numpy()

    def _of(self, metric: str, family: str, where: Flags) -> dict[str, float]:
        baseline = self.task.promote.must_beat
        own, naive = (self._drawn(metric, of, where) for of in (family, baseline))
        found = {metric: own}
        if family != baseline:
            with np.errstate(invalid="ignore", divide="ignore"):
                found[f"{metric}_skill"] = direction(metric) * (1.0 - own / naive)
            found[f"{metric}_minus_naive"] = own - naive
        if self.leader not in (family, baseline):
            found[f"{metric}_minus_leader"] = own - self._drawn(metric, self.leader, where)
        told: dict[str, float] = {}
        for name, of_draws in found.items():
            low, high = interval(float(of_draws[0]), of_draws[1:], self.draws.blocks)
            told |= {name: float(of_draws[0]), f"{name}_low": low, f"{name}_high": high}
        return {name: value for name, value in told.items() if math.isfinite(value)}

    def _drawn(self, metric: str, family: str, where: Flags) -> Values:
        """The loss in all periods, each counted once, and then in each draw."""
        count = self.draws.counts.shape[1]
        loss = counted(self._rows_of(family, where), self.task, metric, self.period[where], count)
        return np.concatenate([loss.of(np.ones((1, count))), loss.of(self.draws.counts)])

    def _rows_of(self, family: str, where: Flags) -> pa.Table:
        rows = self.rows[family]
        judged = ["actual", *self.task.outputs, *[CLUSTER for name in rows.column_names if name == CLUSTER]]
        judged += [self.task.query] if self.task.query else []
        return rows.select(judged).filter(pa.array(where))


def judged_by(task: Task) -> tuple[str, ...]:
    """The losses, or gains of a Rank, whose intervals are told: that of `skill`, and last the one that the task
    promotes by."""
    of_skill = "disorder" if task.is_unlabelled else "mae" if task.quantiles else "log_loss"
    of_skill = "ndcg" if task.query else of_skill
    return tuple(dict.fromkeys((of_skill, *[of for of in (task.promote.metric,) if of in LOSSES + GAINS])))
