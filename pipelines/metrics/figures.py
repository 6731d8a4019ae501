"""Pictures of how good a model is, for people: arrays in, a matplotlib figure out; the naive baseline always beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from pipelines.contracts.fits import CurvePoint
from pipelines.metrics.canvas import ACTUAL, DASHED, MODEL, NAIVE, OTHERS, SOFT, canvas, dated, legend
from pipelines.metrics.point import skill
from pipelines.metrics.quantile import coverage

Values = npt.NDArray[np.float64]

_MOST_FEATURES = 15


def forecast_fan(
    at: Sequence[datetime],
    actual: Values,
    quantiles: Mapping[float, Values],
    naive: Values,
    *,
    model: str,
    subject: str,
    unit: str,
) -> Figure:
    """One or more forecasts as a band around their median, against what came and what the naive forecast said.

    at: instants of one zone, shown in it; all arrays have one value an instant, NaN where unknown.
    """
    figure, axes = canvas(9.0, 4.2)
    low, high = min(quantiles), max(quantiles)
    band = f"{model}, {high - low:.0%} interval"
    axes.fill_between(_dates(at), quantiles[low], quantiles[high], color=MODEL, alpha=0.2, linewidth=0, label=band)
    axes.plot(_dates(at), quantiles[0.5], color=MODEL, linewidth=1.8, label=f"{model}, median")
    axes.plot(_dates(at), naive, color=NAIVE, linewidth=1.1, linestyle=DASHED, label="naive")
    axes.plot(_dates(at), actual, color=ACTUAL, linewidth=1.4, label="actual")
    dated(axes)
    title = f"{subject}: forecast against actual"
    if not np.isnan(actual).all():
        title += f", {coverage(actual, quantiles[low], quantiles[high]):.0%} of actual values in the band"
    axes.set_title(title, loc="left")
    axes.set_xlabel(f"time ({at[0].tzname() or 'local'})")
    axes.set_ylabel(unit)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.10g}"))
    legend(figure, axes)
    return figure


def error_by_step(
    mae: Values, naive_mae: Values, *, hours_a_step: float, model: str, subject: str, unit: str
) -> Figure:
    """Mean absolute error by how far ahead a step is; one value a step."""
    figure, axes = canvas(9.0, 4.0)
    ahead = hours_a_step * np.arange(len(mae))
    axes.plot(ahead, naive_mae, color=NAIVE, linewidth=1.4, linestyle=DASHED, label="naive")
    axes.plot(ahead, mae, color=MODEL, linewidth=1.8, label=model)
    axes.fill_between(ahead, mae, naive_mae, where=(mae < naive_mae).tolist(), color=MODEL, alpha=0.12, linewidth=0)
    axes.set_ylim(bottom=0)
    axes.margins(x=0)
    gain = skill(float(np.mean(mae)), float(np.mean(naive_mae)))
    axes.xaxis.set_major_locator(MaxNLocator(steps=[1, 2, 3, 6, 10]))
    axes.set_title(f"{subject}: {model} errs {abs(gain):.0%} {'less' if gain >= 0 else 'more'} than naive", loc="left")
    axes.set_xlabel("hours after the cut-off")
    axes.set_ylabel(f"mean absolute error ({unit})")
    legend(figure, axes)
    return figure


def importance(gains: Mapping[str, float], *, model: str, subject: str) -> Figure:
    """What the model leans on: the features with the largest gains, as shares of the whole."""
    whole = sum(gains.values()) or 1.0
    largest = sorted(gains.items(), key=lambda item: item[1])[-_MOST_FEATURES:]
    names = [name for name, _ in largest]
    shares = [100 * gain / whole for _, gain in largest]
    figure, axes = canvas(9.0, 1.2 + 0.28 * len(largest))
    bars = axes.barh(names, shares, color=MODEL, height=0.7)
    axes.bar_label(bars, fmt="%.1f", padding=3, fontsize=8, color=SOFT)
    axes.grid(False, axis="y")
    axes.margins(x=0.08)
    left_out = f" (the {len(largest)} largest of {len(gains)})" if len(gains) > len(largest) else ""
    axes.set_title(f"{subject}: what {model} leans on{left_out}", loc="left")
    axes.set_xlabel("share of the gain (%)")
    return figure


def learning_curves(
    points: Sequence[CurvePoint], *, best_step: int | None, model: str, subject: str, step_name: str
) -> Figure:
    """Loss, or NDCG, by round or epoch for training and validation, and where the kept model stands. points: at least
    one."""
    figure, axes = canvas(9.0, 4.0)
    names = sorted({point.name for point in points})
    colours = dict(zip(names, (MODEL, *OTHERS), strict=False))
    for name in names:
        curve = [(point.step, point.value) for point in points if point.name == name]
        span, _, loss = name.partition("/")
        label = f"{span} ({loss})" if loss else span
        marker = "o" if len(curve) < 30 else ""
        steps, values = zip(*curve, strict=True)
        axes.plot(steps, values, color=colours.get(name, SOFT), linewidth=1.6, marker=marker, markersize=3, label=label)
    if best_step is not None:
        axes.axvline(best_step, color=SOFT, linewidth=1.0, linestyle=":", label=f"kept: {step_name} {best_step}")
    axes.set_ylim(bottom=0)
    axes.margins(x=0.01)
    axes.set_title(f"{subject}: how {model} learnt", loc="left")
    axes.set_xlabel(step_name)
    axes.set_ylabel("NDCG" if names[0].endswith("/ndcg") else "loss")
    legend(figure, axes)
    return figure


def _dates(at: Sequence[datetime]) -> npt.NDArray[np.object_]:
    """Instants as the clock of their own zone shows them; matplotlib would turn them into UTC."""
    return np.array([moment.replace(tzinfo=None) for moment in at], dtype=object)
