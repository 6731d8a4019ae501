"""What the alarms of a monitored machine are worth: how many were right, what they announced, how early."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.monitors import Monitor, ScoreMonitor
from pipelines.contracts.tasks import Task
from pipelines.metrics.counts import Counted, ratio, summed
from pipelines.metrics.measures import values

Values = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class Alarms:
    """is_right: of each alarm in the order (machine, time), whether a failure followed in time. leads: of each
    failure the time from its first alarm to it, NaN where none announced it. raised, failed: the row of the reading of
    each alarm, and that of each failure."""

    is_right: Flags
    leads: Values
    raised: Places
    failed: Places

    @property
    def precision(self) -> float:
        """The part of the alarms that were right; NaN where there was none."""
        return float(np.mean(self.is_right)) if len(self.is_right) else float("nan")

    @property
    def recall(self) -> float:
        """The part of the failures that were announced; NaN where there was none."""
        return float(np.mean(~np.isnan(self.leads))) if len(self.leads) else float("nan")

    @property
    def lead(self) -> float:
        """The median time of warning before an announced failure; NaN where none was announced."""
        announced = self.leads[~np.isnan(self.leads)]
        return float(np.median(announced)) if len(announced) else float("nan")

    def metrics(self) -> dict[str, float]:
        """All three, and how many alarms there were; what is not defined is left out."""
        told = {"precision": self.precision, "recall": self.recall, "lead": self.lead, "count": len(self.is_right)}
        return {f"alarms/{name}": float(value) for name, value in told.items() if math.isfinite(value)}

    def among(self, where: Flags) -> Alarms:
        """The alarms and failures at some of the rows; places are then those among these."""
        place, raised, failed = np.cumsum(where) - 1, where[self.raised], where[self.failed]
        return Alarms(self.is_right[raised], self.leads[failed], place[self.raised[raised]], place[self.failed[failed]])

    def counted(self, period: Places, periods: int) -> dict[str, Counted]:
        """All three by period: an alarm counts in that of its reading, a failure in its own. period: each row's."""
        is_announced = ~np.isnan(self.leads)
        of_raised, of_failed = period[self.raised], period[self.failed]
        is_right, found = self.is_right.astype(np.float64), is_announced.astype(np.float64)
        leads, which = np.unique(self.leads[is_announced], return_inverse=True)
        by_lead = (which == np.arange(len(leads))[:, None]).astype(np.float64)
        ones = [np.ones(len(of)) for of in (of_raised, of_failed)]
        return {
            "alarms/precision": ratio(summed(is_right, of_raised, periods), summed(ones[0], of_raised, periods)),
            "alarms/recall": ratio(summed(found, of_failed, periods), summed(ones[1], of_failed, periods)),
            "alarms/lead": Counted(
                summed(by_lead, of_failed[is_announced], periods), lambda sums: _median(leads, sums)
            ),
        }


def _median(values: Values, times: Values) -> Values:
    """(draws,): of ascending values that are there so often, (values, draws); NaN where none is."""
    so_far = np.cumsum(times, axis=0)
    middle = so_far[-1] / 2.0
    last = len(values) - 1
    low, high = (so_far < middle).sum(axis=0), (so_far <= middle).sum(axis=0)
    found = (values[np.minimum(low, last)] + values[np.minimum(high, last)]) / 2.0
    return np.where(middle > 0.0, found, np.nan)


def alarms(
    machine: Names,
    at: Values,
    score: Values,
    failed: Names,
    failed_at: Values,
    *,
    limit: float,
    horizon: float,
    least: float = 0.0,
) -> Alarms:
    """Alarms that a limit on the score raises, against the failures that came.

    An alarm is a reading at or above the limit whose machine's reading before was below: as long as the score stays up
    it is one alarm. It is right if the machine fails between `least` (what a repair needs) and `horizon` later.
    machine, at, score: of each reading; failed, failed_at: of each failure, whose row is its place among them; times in
    one unit, from any common instant.
    """
    order = np.lexsort((at, machine))
    machine, at, is_up = machine[order], at[order], score[order] >= limit
    goes_on = np.zeros(len(machine), bool)
    goes_on[1:] = is_up[:-1] & (machine[1:] == machine[:-1])
    raised = is_up & ~goes_on
    # (alarms, failures): few of either, however many readings there are
    ahead = failed_at[None, :] - at[raised][:, None]
    announces = (machine[raised][:, None] == failed[None, :]) & (least <= ahead) & (ahead <= horizon)
    longest = np.where(announces, ahead, -np.inf).max(axis=0, initial=-np.inf)
    leads = np.where(np.isfinite(longest), longest, np.nan)
    return Alarms(announces.any(axis=1), leads, order[raised], np.arange(len(failed)))


def of_remaining(
    machine: Names, predicted: Values, actual: Values, monitor: Monitor, *, limit: float | None = None
) -> Alarms:
    """The alarms of a predicted remaining life, against the lives that ended.

    machine, predicted, actual: of each reading, those of a machine in the order of time; where more is left than at the
    reading before, another life has begun. A life that nobody looked at while its end was between `least` and `horizon`
    away could not be announced, and counts for none that was missed. limit: instead of the monitor's.
    """
    order = np.argsort(machine, kind="stable")
    machine, predicted, actual = machine[order], predicted[order], actual[order]
    begins = np.ones(len(machine), bool)
    begins[1:] = (machine[1:] != machine[:-1]) | (actual[1:] > actual[:-1])
    life = np.cumsum(begins)
    lives = np.unique(life[(monitor.least <= actual) & (actual <= monitor.horizon)])
    # each life on a clock of its own that ends at 0; readings whose label is capped alike keep their order
    found = alarms(
        life,
        -actual,
        -predicted,
        lives,
        np.zeros(len(lives)),
        limit=-(monitor.limit if limit is None else limit),
        horizon=monitor.horizon,
        least=monitor.least,
    )
    return replace(found, raised=order[found.raised], failed=order[np.searchsorted(life, lives, side="right") - 1])


def of_scores(
    machine: Names, at: Values, score: Values, label: Values, monitor: ScoreMonitor, *, limit: float | None = None
) -> Alarms:
    """The alarms of an anomaly score, against the failures that late labels tell.

    machine, at, score, label: of each reading, `at` in seconds. A failure is at the first reading of a run of 1, and
    while it lasts no alarm goes off. An alarm counts as neither right nor wrong where the machine's labels end before
    its horizon does, without a failure; a failure that no reading could announce in time counts for none that was
    missed. limit: instead of the monitor's.
    """
    order = np.lexsort((at, machine))
    _, machine = np.unique(machine[order], return_inverse=True)
    at, score, fails = at[order], score[order], label[order] == 1.0
    goes_on = np.zeros(len(at), bool)
    goes_on[1:] = fails[1:] & fails[:-1] & (machine[1:] == machine[:-1])
    horizon, least = monitor.horizon.total_seconds(), monitor.least.total_seconds()
    watched, failures = np.flatnonzero(~goes_on), np.flatnonzero(fails & ~goes_on)
    # all machines on one clock, so far apart that none reaches into another's time
    clock = at - at.min() + machine * (np.ptp(at) + 2.0 * horizon)
    begin = np.searchsorted(clock[watched], clock[failures] - horizon, side="left")
    end = np.searchsorted(clock[watched], clock[failures] - least, side="right")
    failures = failures[end > begin]
    found = alarms(
        machine[watched],
        at[watched],
        score[watched],
        machine[failures],
        at[failures],
        limit=monitor.limit if limit is None else limit,
        horizon=horizon,
        least=least,
    )
    raised = watched[found.raised]
    last = np.searchsorted(machine, machine[raised], side="right") - 1
    is_decided = found.is_right | (at[raised] + horizon <= at[last])
    return Alarms(found.is_right[is_decided], found.leads, order[raised[is_decided]], order[failures])


def of_task(rows: pa.Table, task: Task, *, limit: float | None = None) -> Alarms:
    """The alarms of a monitored task; leads are in the label's unit, those of a ScoreMonitor in hours.

    rows: of its backtest, with a known label, in any order. limit: instead of the monitor's.
    """
    monitor = task.monitor
    assert monitor is not None, "only a monitored task has alarms"
    machine = np.asarray(rows[monitor.machine]).astype(str)
    at = rows["cut_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy()
    predicted, actual = values(rows, task.point), values(rows, "actual")
    if isinstance(monitor, ScoreMonitor):
        found = of_scores(machine, at / 1e6, predicted, actual, monitor, limit=limit)
        return replace(found, leads=found.leads / 3600.0)
    order = np.argsort(at, kind="stable")
    found = of_remaining(machine[order], predicted[order], actual[order], monitor, limit=limit)
    return replace(found, raised=order[found.raised], failed=order[found.failed])
