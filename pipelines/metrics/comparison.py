"""Families side by side on the same rows: how sure each figure is, over all and in every slice."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.tasks import CLUSTER, ByHash, Task
from pipelines.metrics.alarms import Alarms, of_task
from pipelines.metrics.countings import counted, metrics_of
from pipelines.metrics.losses import GAINS, LOSSES, direction
from pipelines.metrics.measures import GIVEN, alone, beside, metric_of_skill, values
from pipelines.metrics.resampling import Draws, block_length, drawn, groups, groups_of, interval, periods
from pipelines.metrics.tally import Tally

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
SliceRow = Mapping[str, str | int | float]

MOST_VALUES = 50
"""Of a slice with more names, those with the most rows are shown."""
DRAWS_OF_A_PART = 500
"""Of the draws so many are made of each value of a slice, which are many; all rows have all draws."""


@dataclass(frozen=True)
class Judged:
    """A family over some rows. metrics: as they are; drawn: of each that can be drawn, as it is and then in each draw.
    What the rows do not define is in neither."""

    metrics: Mapping[str, float]
    drawn: Mapping[str, Values]


@dataclass(frozen=True)
class Part:
    """All rows, or those with one value of a slice. judged: families that were looked at over them, kept since the
    baseline and the leader stand beside every other."""

    slice: str
    group: str
    where: Flags
    draws: Draws
    judged: dict[str, Judged] = field(default_factory=dict)


@dataclass(frozen=True)
class Compared:
    """Every family's rows of one span, all in one order. leader: the family that the others are compared with besides
    the baseline. period: each row's; draws: of the periods; scale: see `measures`; alarms: of a monitored task. Rows
    may say what acting on them came to (`value`), and what the naive policy by them did (`naive_value`)."""

    rows: Mapping[str, pa.Table]
    task: Task
    leader: str
    period: Places
    draws: Draws
    scale: float | None = None
    alarms: Mapping[str, Alarms] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Mapping[str, pa.Table], task: Task, leader: str, scale: float | None = None) -> Compared:
        """Blocks are as long as the loss of any family asks for, or its distance from the baseline's.

        rows: by family, with a known label; ValueError where families were asked about different rows.
        """
        baseline = rows[task.promote.must_beat]
        for family, of in rows.items():
            if len(of) != len(baseline):
                raise ValueError(f"metrics: {len(of)} rows of {family} beside {len(baseline)} of the baseline")
        alarms = {family: of_task(of, task) for family, of in rows.items()} if task.monitor else {}
        if isinstance(task.split, ByHash):
            period = groups_of(np.asarray(baseline[task.query])) if task.query else groups(len(baseline))
            return cls(rows, task, leader, period, drawn(int(period.max()) + 1, 1), scale, alarms)
        period = periods(baseline["cut_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy())
        count = int(period.max()) + 1
        losses = [counted(Tally(of, task, period, count), judged_by(task)[-1]).by_period for of in rows.values()]
        naive = losses[list(rows).index(task.promote.must_beat)]
        series = [*losses, *[loss - naive for loss in losses if loss is not naive]]
        longest = max(block_length(of[np.isfinite(of)]) for of in series)
        return cls(rows, task, leader, period, drawn(count, longest), scale, alarms)

    def whole(self) -> Part:
        """All rows."""
        return Part("all", "", np.ones(len(self.period), bool), self.draws)

    def parts(self, slices: Sequence[str]) -> list[Part]:
        """The values of each slice that has more than one. slices: columns of the baseline's rows."""
        rows, found = self.rows[self.task.promote.must_beat], []
        few = Draws(self.draws.counts[:DRAWS_OF_A_PART], self.draws.blocks)
        for name in slices:
            counts = pc.value_counts(rows[name].combine_chunks())
            most = sorted(counts.to_pylist(), key=lambda of: -of["counts"])
            most = most[:MOST_VALUES] if pa.types.is_string(rows[name].type) else most
            for value in sorted(of["values"] for of in most) if len(counts) > 1 else ():
                found.append(Part(name, str(value), pc.equal(rows[name], value).to_numpy(), few))
        return found

    def intervals(self, family: str, part: Part | None = None) -> dict[str, float]:
        """Of every metric where it lies and its distance from the baseline's, of those that a task may promote by their
        skill, of those that it is judged by the distance from the leader's, each with the ends of its interval
        (`…_low`, `…_high`). What is not defined is left out. part: all rows if none is given."""
        part = self.whole() if part is None else part
        baseline, told = self.task.promote.must_beat, dict[str, float]()
        own, naive = self._drawn(family, part), {} if family == baseline else self._drawn(baseline, part)
        led_by = {} if self.leader in (family, baseline) else self._drawn(self.leader, part)
        for metric, of in own.items():
            found = {metric: of}
            if metric in naive and metric in LOSSES + GAINS:
                with np.errstate(invalid="ignore", divide="ignore"):
                    found[f"{metric}_skill"] = direction(metric) * (1.0 - of / naive[metric])
            if metric in naive and metric not in GIVEN:
                found[f"{metric}_minus_naive"] = of - naive[metric]
            if metric in led_by and metric in judged_by(self.task):
                found[f"{metric}_minus_leader"] = of - led_by[metric]
            for name, draws in found.items():
                low, high = interval(float(draws[0]), draws[1:], part.draws.blocks)
                told |= {name: float(draws[0]), f"{name}_low": low, f"{name}_high": high}
        return {name: value for name, value in told.items() if math.isfinite(value)}

    def metrics(self, family: str, part: Part) -> dict[str, float]:
        """All of a part, the baseline's beside them."""
        baseline = self.task.promote.must_beat
        return beside(self._judged(family, part).metrics, self._judged(baseline, part).metrics, self.task)

    def by_slice(self, family: str, parts: Sequence[Part]) -> Iterator[SliceRow]:
        """A row for each part: every metric with its intervals, the baseline's beside it."""
        for part in parts:
            told = self.intervals(family, part) | self.worth(family, part) | self.metrics(family, part)
            yield {"slice": part.slice, "group": part.group, "rows": int(part.where.sum()), **told}

    def worth(self, family: str, part: Part) -> dict[str, float]:
        """What acting on the predictions came to in sum, what the naive policy came to by the baseline's, and how much
        more that is, with the ends of its interval; nothing where rows do not say."""
        naive_rows, where = self.rows[self.task.promote.must_beat], part.where
        if "value" not in naive_rows.column_names:
            return {}
        value, naive = values(self.rows[family], "value")[where], values(naive_rows, "naive_value")[where]
        by_period = np.bincount(self.period[where], weights=value - naive, minlength=self.draws.counts.shape[1])
        more = float(by_period.sum())
        low, high = interval(more, self.draws.counts @ by_period, self.draws.blocks)
        found = {"value": float(value.sum()), "naive_value": float(naive.sum()), "value_minus_naive": more}
        found |= {"value_minus_naive_low": low, "value_minus_naive_high": high}
        return {name: told for name, told in found.items() if math.isfinite(told)}

    def _drawn(self, family: str, part: Part) -> Mapping[str, Values]:
        return self._judged(family, part).drawn

    def _judged(self, family: str, part: Part) -> Judged:
        if family in part.judged:
            return part.judged[family]
        rows, count = self._rows_of(family, part.where), part.draws.counts.shape[1]
        metrics = alone(rows, self.task, scale=self.scale)
        tally = Tally(rows, self.task, self.period[part.where], count, self.scale)
        found = {name: counted(tally, name) for name in metrics_of(self.task) if is_defined(metrics, name)}
        if self.alarms:
            alarms = self.alarms[family].among(part.where)
            metrics |= alarms.metrics()
            found |= {name: of for name, of in alarms.counted(tally.period, count).items() if is_defined(metrics, name)}
        counts, drawn = np.concatenate([np.ones((1, count)), part.draws.counts]), {}
        for name, by_period in found.items():
            of = by_period.of(counts)
            drawn[name] = of + (metrics[name] - of[0])  # of an order's many levels some are drawn as one
        part.judged[family] = Judged(metrics, drawn)
        return part.judged[family]

    def _rows_of(self, family: str, where: Flags) -> pa.Table:
        rows = self.rows[family]
        judged = ["actual", *self.task.outputs, *[CLUSTER for name in rows.column_names if name == CLUSTER]]
        judged += [self.task.query] if self.task.query else []
        return rows.select(judged).filter(pa.array(where))


def is_defined(metrics: Mapping[str, float], name: str) -> bool:
    """Whether the metric is there, and a number."""
    return math.isfinite(metrics.get(name, math.nan))


def judged_by(task: Task) -> tuple[str, ...]:
    """The losses, or gains of a Rank, by which a family is compared with the leader: that of `skill`, and last the one
    that the task promotes by."""
    return tuple(dict.fromkeys((metric_of_skill(task), *[of for of in (task.promote.metric,) if of in LOSSES + GAINS])))
