"""Pictures of how far predicted quantiles are off, and when or at what size; the naive baseline always beside."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pipelines.metrics.canvas import DASHED, MODEL, NAIVE, SOFT, blank, dress, legend
from pipelines.metrics.groups import mean_of, tenths
from pipelines.metrics.quantile import coverage

Values = npt.NDArray[np.float64]


def residuals(
    actual: Values,
    predicted: Values,
    naive: Values,
    hour_of_day: Values,
    *,
    model: str,
    subject: str,
    unit: str,
) -> Figure:
    """How far off, how often, and at what time of day. hour_of_day: 0–24, local; error is predicted − actual.

    Rows where one of the three values is unknown are left out; at least one must be whole.
    """
    known = ~(np.isnan(actual) | np.isnan(predicted) | np.isnan(naive))
    errors = {model: (predicted - actual)[known], "naive": (naive - actual)[known]}
    figure, by_hour = _errors(errors, np.floor(hour_of_day[known]) % 24, model, unit)
    by_hour.set_xlabel("hour of day")
    by_hour.set_xticks(range(0, 25, 4))
    by_hour.set_title("At what time of day", loc="left")
    figure.suptitle(f"{subject}: errors of {model} and of the naive forecast", x=0.01, ha="left")
    return figure


def residuals_by_size(
    actual: Values, predicted: Values, naive: Values, *, model: str, subject: str, unit: str
) -> Figure:
    """How far off, how often, and at what predicted size: tenths of the cases, by the model's prediction.

    Rows where one of the three values is unknown are left out; at least one must be whole.
    """
    known = ~(np.isnan(actual) | np.isnan(predicted) | np.isnan(naive))
    errors = {model: (predicted - actual)[known], "naive": (naive - actual)[known]}
    group = tenths(predicted[known])
    figure, by_size = _errors(errors, mean_of(predicted[known], group)[group], model, unit)
    by_size.set_xlabel(f"predicted by {model} ({unit}), tenths of the cases")
    by_size.set_title("At what predicted size", loc="left")
    figure.suptitle(f"{subject}: errors of {model} and of the naive estimate", x=0.01, ha="left")
    return figure


def coverage_by_size(
    actual: Values,
    quantiles: Mapping[float, Values],
    naive: Mapping[float, Values],
    *,
    model: str,
    subject: str,
    unit: str,
) -> Figure:
    """How often the interval between the outer quantiles held what came, and how wide it was, by predicted size.

    quantiles, naive: of the model and the baseline, 0.5 among them. Rows where a value is unknown are left out.
    """
    low, high = min(quantiles), max(quantiles)
    known = ~np.isnan(np.stack([actual, *quantiles.values(), *naive.values()])).any(axis=0)
    truth, size = actual[known], quantiles[0.5][known]
    group = tenths(size)
    at = mean_of(size, group)
    figure = blank(9.0, 4.2)
    held, wide = figure.subplots(1, 2)
    for name, of, colour in ((model, quantiles, MODEL), ("naive", naive, NAIVE)):
        lower, upper = of[low][known], of[high][known]
        line = {"color": colour, "linewidth": 1.8, "marker": "o", "markersize": 3, "label": name}
        held.plot(at, 100 * mean_of(((lower <= truth) & (truth <= upper)).astype(np.float64), group), **line)
        wide.plot(at, mean_of(upper - lower, group), **line)
    held.axhline(100 * (high - low), color=SOFT, linewidth=1.2, linestyle=DASHED, label=f"promised: {high - low:.0%}")
    held.set_ylim(0, 102)
    held.set_ylabel("actual values in the interval (%)")
    held.set_title("Is the promise kept at every size?", loc="left")
    wide.set_ylim(bottom=0)
    wide.set_ylabel(f"mean width of the interval ({unit})")
    wide.set_title("What it costs in width", loc="left")
    for axes in (held, wide):
        axes.set_xlabel(f"predicted by {model} ({unit}), tenths of the cases")
        dress(axes)
    legend(figure, held)
    kept = coverage(truth, quantiles[low][known], quantiles[high][known])
    figure.suptitle(
        f"{subject}: the {high - low:.0%} interval of {model} held {kept:.0%} of the actual values", x=0.01, ha="left"
    )
    return figure


def _errors(errors: Mapping[str, Values], at: Values, model: str, unit: str) -> tuple[Figure, Axes]:
    """How far off, in full, and the mean absolute error by `at` as axes to be labelled. errors: of equal rows."""
    figure = blank(9.0, 4.2)
    counts, by_place = figure.subplots(1, 2)
    reach = float(np.quantile(np.abs(np.concatenate(list(errors.values()))), 0.995)) or 1.0
    bins = np.linspace(-reach, reach, 41)
    for (name, error), colour in zip(errors.items(), (MODEL, NAIVE), strict=True):
        # what lies beyond the axis is counted in its last bar, not left out
        clipped = np.clip(error, -reach, reach)
        counts.hist(
            clipped,
            bins=bins.tolist(),
            weights=np.full(len(error), 100 / len(error)),
            histtype="stepfilled" if name == model else "step",
            color=colour,
            alpha=0.75 if name == model else 1.0,
            linewidth=1.4,
            label=name,
        )
        places = np.unique(at)
        mean = [float(np.abs(error[at == place]).mean()) for place in places]
        by_place.plot(places, mean, color=colour, linewidth=1.8, marker="o", markersize=3, label=name)
    counts.axvline(0, color=SOFT, linewidth=0.8)
    counts.set_xlabel(f"error, predicted − actual ({unit})")
    counts.set_ylabel("share of predictions (%)")
    counts.set_title("How far off", loc="left")
    by_place.set_ylabel(f"mean absolute error ({unit})")
    by_place.set_ylim(bottom=0)
    for axes in (counts, by_place):
        dress(axes)
    legend(figure, counts)
    return figure, by_place
