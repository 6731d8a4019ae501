"""A picture of what alarms of a monitored machine are worth at any limit."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from pipelines.contracts.monitors import Monitor
from pipelines.metrics.alarms import Names, Values, of_remaining
from pipelines.metrics.canvas import ACTUAL, DASHED, MODEL, NAIVE, SOFT, blank, dress, legend

_LIMITS = 40


def by_limit(
    machine: Names, predicted: Values, actual: Values, monitor: Monitor, *, unit: str, model: str, subject: str
) -> Figure:
    """Precision, recall and lead over limits from nothing to twice the declared one, which is marked.

    machine, predicted, actual: as `of_remaining` takes them.
    """
    limits = np.linspace(0.0, 2.0 * monitor.limit, _LIMITS + 1)[1:]
    found = [of_remaining(machine, predicted, actual, monitor, limit=float(limit)) for limit in limits]
    figure = blank(9.0, 5.6)
    rates, leads = figure.subplots(2, 1, sharex=True)
    rates.plot(limits, [100 * of.precision for of in found], color=MODEL, label="alarms that were right")
    rates.plot(limits, [100 * of.recall for of in found], color=NAIVE, label="failures that were announced")
    rates.set_ylabel("%")
    rates.set_ylim(-2, 102)
    leads.plot(limits, [of.lead for of in found], color=ACTUAL)
    leads.set_ylabel(f"median warning ({unit or 'as the label'})")
    leads.set_xlabel(f"limit of the prediction at which an alarm goes off ({unit or 'as the label'})")
    for axes in (rates, leads):
        dress(axes)
        axes.axvline(monitor.limit, color=SOFT, linewidth=1, linestyle=DASHED)
    legend(figure, rates)
    figure.suptitle(f"{subject}: alarms of {model}, by their limit", x=0.01, ha="left", fontsize=11)
    return figure
