"""A picture of what alarms of a monitored machine are worth at any limit."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure

from pipelines.contracts.monitors import ScoreMonitor
from pipelines.contracts.tasks import Task
from pipelines.metrics.alarms import of_task
from pipelines.metrics.canvas import ACTUAL, DASHED, MODEL, NAIVE, SOFT, blank, dress, legend

_LIMITS = 40
_NARROWEST = 0.02
"""How far below 1 limits of a score go at least."""


def by_limit(rows: pa.Table, task: Task, *, model: str, subject: str) -> Figure:
    """Precision, recall and lead over limits about the declared one, which is marked: from nothing to twice as much, of
    an anomaly score up to 1 and as far below.

    rows: of a monitored task's backtest, with a known label.
    """
    monitor = task.monitor
    assert monitor is not None, "only a monitored task has alarms"
    is_score = isinstance(monitor, ScoreMonitor)
    ends = (1.0 - max(2.0 * (1.0 - monitor.limit), _NARROWEST), 1.0) if is_score else (0.0, 2.0 * monitor.limit)
    limits = np.linspace(max(ends[0], 0.0), ends[1], _LIMITS + 1)[1:]
    unit, time = ("score", "hours") if is_score else (task.unit or "as the label",) * 2
    found = [of_task(rows, task, limit=float(limit)) for limit in limits]
    figure = blank(9.0, 5.6)
    rates, leads = figure.subplots(2, 1, sharex=True)
    rates.plot(limits, [100 * of.precision for of in found], color=MODEL, label="alarms that were right")
    rates.plot(limits, [100 * of.recall for of in found], color=NAIVE, label="failures that were announced")
    rates.set_ylabel("%")
    rates.set_ylim(-2, 102)
    leads.plot(limits, [of.lead for of in found], color=ACTUAL)
    leads.set_ylabel(f"median warning ({time})")
    leads.set_xlabel(f"limit of the prediction at which an alarm goes off ({unit})")
    for axes in (rates, leads):
        dress(axes)
        axes.axvline(monitor.limit, color=SOFT, linewidth=1, linestyle=DASHED)
    legend(figure, rates)
    figure.suptitle(f"{subject}: alarms of {model}, by their limit", x=0.01, ha="left", fontsize=11)
    return figure
