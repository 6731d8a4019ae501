"""What the alarms of a monitored machine are worth: how many were right, what they announced, how early."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.contracts.monitors import Monitor

Values = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_] | npt.NDArray[np.int64]


@dataclass(frozen=True)
class Alarms:
    """is_right: of each alarm in the order (machine, time), whether a failure followed in time. leads: of each
    failure the time from its first alarm to it, NaN where none announced it."""

    is_right: npt.NDArray[np.bool_]
    leads: Values

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
    machine, at, score: of each reading; failed, failed_at: of each failure; times in one
    unit, from any common instant.
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
    return Alarms(announces.any(axis=1), np.where(np.isfinite(longest), longest, np.nan))


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
    return alarms(
        life,
        -actual,
        -predicted,
        lives,
        np.zeros(len(lives)),
        limit=-(monitor.limit if limit is None else limit),
        horizon=monitor.horizon,
        least=monitor.least,
    )
