"""What the alarms of a monitored machine are worth: how many were right, what they announced, how early."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Alarms:
    """is_right: of each alarm in the order (machine, time), whether a failure followed in time. leads_h: of each
    failure the hours from its first alarm to it, NaN where none announced it."""

    is_right: npt.NDArray[np.bool_]
    leads_h: Values

    @property
    def precision(self) -> float:
        """The part of the alarms that were right; NaN where there was none."""
        return float(np.mean(self.is_right)) if len(self.is_right) else float("nan")

    @property
    def recall(self) -> float:
        """The part of the failures that were announced; NaN where there was none."""
        return float(np.mean(~np.isnan(self.leads_h))) if len(self.leads_h) else float("nan")

    @property
    def lead_h(self) -> float:
        """The median hours of warning before an announced failure; NaN where none was announced."""
        announced = self.leads_h[~np.isnan(self.leads_h)]
        return float(np.median(announced)) if len(announced) else float("nan")


def alarms(
    machine: Names,
    at_h: Values,
    score: Values,
    failed: Names,
    failed_at_h: Values,
    *,
    limit: float,
    horizon_h: float,
    least_h: float = 0.0,
) -> Alarms:
    """Alarms that a limit on the score raises, against the failures that came.

    An alarm is a reading at or above the limit whose machine's reading before was below: as long as the score stays up
    it is one alarm. It is right if the machine fails between `least_h` (what a repair needs) and `horizon_h` later.
    machine, at_h, score: of each reading; failed, failed_at_h: of each failure; hours from any common instant.
    """
    order = np.lexsort((at_h, machine))
    machine, at_h, is_up = machine[order], at_h[order], score[order] >= limit
    goes_on = np.zeros(len(machine), bool)
    goes_on[1:] = is_up[:-1] & (machine[1:] == machine[:-1])
    raised = is_up & ~goes_on
    # (alarms, failures): few of either, however many readings there are
    ahead_h = failed_at_h[None, :] - at_h[raised][:, None]
    announces = (machine[raised][:, None] == failed[None, :]) & (least_h <= ahead_h) & (ahead_h <= horizon_h)
    longest = np.where(announces, ahead_h, -np.inf).max(axis=0, initial=-np.inf)
    return Alarms(announces.any(axis=1), np.where(np.isfinite(longest), longest, np.nan))
