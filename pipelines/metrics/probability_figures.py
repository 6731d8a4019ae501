"""Pictures of how good predicted probabilities are; the naive baseline always beside.

actual: 1.0 for yes, 0.0 for no, NaN where not known. Rows where a value is unknown are left out; both answers must be
among the rest.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from sklearn.metrics import precision_recall_curve, roc_curve

from pipelines.metrics.canvas import ACTUAL, DASHED, MODEL, NAIVE, OTHERS, SOFT, canvas, legend
from pipelines.metrics.groups import mean_of, tenths, wilson
from pipelines.metrics.ranking import auc, average_precision, base_rate, calibration_error

Values = npt.NDArray[np.float64]

# below this base rate, probabilities are spread over a logarithmic axis
_RARE = 0.05
_MOST_POINTS = 1000


def precision_recall(actual: Values, probability: Values, naive: Values, *, model: str, subject: str) -> Figure:
    """How many of the flagged are yes, for every part of the yes that may be found; area: average precision."""
    actual, probability, naive = _known(actual, probability, naive)
    figure, axes = canvas(9.0, 4.6)
    reached = {}
    for name, given, colour in ((model, probability, MODEL), ("naive", naive, NAIVE)):
        reached[name] = average_precision(actual, given)
        found, precise = _precision_by_recall(actual, given)
        label = f"{name}, average precision {reached[name]:.3f}"
        axes.plot(100 * found, 100 * precise, color=colour, linewidth=1.8, drawstyle="steps-post", label=label)
    rate = base_rate(actual)
    axes.axhline(100 * rate, color=ACTUAL, linewidth=1.2, linestyle=DASHED, label=f"base rate {_percent(rate)}%")
    axes.set_xlim(0, 100)
    if rate < _RARE:
        axes.set_yscale("log")
        axes.set_ylim(50 * rate, 110)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    else:
        axes.set_ylim(0, 102)
    gain = reached[model] / rate
    axes.set_title(
        f"{subject}: average precision {reached[model]:.3f} with {model}, {gain:,.1f} times the base rate "
        f"(naive {reached['naive']:.3f})",
        loc="left",
    )
    axes.set_xlabel("share of all yes that are found: recall (%)")
    axes.set_ylabel("yes among the flagged: precision (%)")
    legend(figure, axes)
    return figure


def confusion(actual: Values, probability: Values, *, model: str, subject: str) -> Figure:
    """What is flagged against what came, where as many are flagged as there are yes: precision is recall there."""
    actual, probability, _ = _known(actual, probability, probability)
    is_flagged = np.zeros(len(actual), bool)
    is_flagged[np.argsort(-probability, kind="stable")[: int(actual.sum())]] = True
    is_yes = actual == 1
    counts = np.zeros((2, 2), int)
    np.add.at(counts, (is_yes.astype(int), is_flagged.astype(int)), 1)
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure, axes = canvas(5.6, 4.6)
    axes.grid(False)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.4)
    for row, column in np.ndindex(2, 2):
        told = f"{counts[row, column]:,}\n{shares[row, column]:.1%}"
        axes.text(column, row, told, ha="center", va="center", color=ACTUAL)
    axes.set_xticks([0, 1], ["not flagged", "flagged"])
    axes.set_yticks([0, 1], ["no", "yes"])
    axes.set_ylabel("what came")
    axes.set_title(f"{subject}: {shares[1, 1]:.0%} of the yes flagged by {model}, with as many flagged", loc="left")
    return figure


def roc(actual: Values, probability: Values, naive: Values, *, model: str, subject: str) -> Figure:
    """How many of the yes are found for how many of the no that are flagged with them; area: AUC."""
    actual, probability, naive = _known(actual, probability, naive)
    figure, axes = canvas(7.4, 5.6)
    reached = {}
    for name, given, colour in ((model, probability, MODEL), ("naive", naive, NAIVE)):
        reached[name] = auc(actual, given)
        wrong, found, _ = roc_curve(actual, given)
        kept = _thinned(len(wrong))
        label = f"{name}, AUC {reached[name]:.3f}"
        axes.plot(100 * wrong[kept], 100 * found[kept], color=colour, linewidth=1.8, label=label)
    axes.plot([0, 100], [0, 100], color=SOFT, linewidth=1.2, linestyle=DASHED, label="chance, AUC 0.500")
    axes.set_xlim(0, 100)
    axes.set_ylim(0, 102)
    axes.set_title(
        f"{subject}: of a yes and a no, {model} puts the yes first in {reached[model]:.0%},\n"
        f"the naive baseline in {reached['naive']:.0%} of all pairs (AUC)",
        loc="left",
    )
    axes.set_xlabel("share of all no that are flagged: false alarms (%)")
    axes.set_ylabel("share of all yes that are found: recall (%)")
    legend(figure, axes)
    return figure


def reliability(actual: Values, probability: Values, naive: Values, *, model: str, subject: str) -> Figure:
    """Do things come true as often as predicted? In tenths of the cases by the model's probability, with counts."""
    actual, probability, naive = _known(actual, probability, naive)
    group = tenths(probability)
    cases, came, told = np.bincount(group), mean_of(actual, group), mean_of(probability, group)
    low, high = wilson(came * cases, cases.astype(np.float64))
    at, rare = np.arange(len(cases)), base_rate(actual) < _RARE
    figure, axes = canvas(9.0, 4.6)
    axes.plot(at, 100 * mean_of(naive, group), color=NAIVE, linewidth=1.4, linestyle=DASHED, label="predicted, naive")
    axes.plot(at, 100 * told, color=MODEL, linewidth=1.8, marker="o", markersize=5, label=f"predicted, {model}")
    axes.errorbar(
        at,
        100 * came,
        yerr=100 * np.stack([came - low, high - came]),
        color=ACTUAL,
        linestyle="none",
        marker="D",
        markersize=5,
        markerfacecolor="none",
        capsize=3,
        linewidth=1.2,
        label="came true, with 95% interval" + (" (no mark: none did)" if rare and not came.all() else ""),
    )
    if rare:
        seen = np.concatenate([told, came, mean_of(naive, group)])
        axes.set_yscale("log")
        axes.set_ylim(bottom=50 * float(seen[seen > 0].min()), top=min(200 * max(seen.max(), high.max()), 110))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    else:
        axes.set_ylim(bottom=0)
    axes.set_xticks(at, [f"{_percent(share)}%\n{count:,}" for share, count in zip(told, cases, strict=True)])
    off = calibration_error(actual, probability)
    axes.set_title(
        f"{subject}: {model} predicts {_percent(float(probability.mean()))}% on average, "
        f"{_percent(base_rate(actual))}% came true; groups are off by {_percent(off)} points",
        loc="left",
    )
    axes.set_xlabel("tenths of the cases by predicted probability: its mean, and the number of cases")
    axes.set_ylabel("probability (%)")
    legend(figure, axes)
    return figure


def probabilities_by_label(actual: Values, probability: Values, *, model: str, subject: str) -> Figure:
    """Which probabilities were given to what turned out to be yes, and which to what turned out to be no."""
    actual, probability = _known(actual, probability)
    figure, axes = canvas(9.0, 4.2)
    rare = base_rate(actual) < _RARE
    least = float(np.clip(probability.min(), 1e-5, 0.1))
    bins = 100 * (np.geomspace(least, 1.0, 41) if rare else np.linspace(0.0, 1.0, 41))
    middle = {}
    for name, label, colour in (("no", 0.0, ACTUAL), ("yes", 1.0, OTHERS[0])):
        given = probability[actual == label]
        middle[name] = float(np.median(given))
        axes.hist(
            np.clip(100 * given, bins[0], bins[-1]),
            bins=bins.tolist(),
            weights=np.full(len(given), 100 / len(given)),
            histtype="stepfilled" if name == "yes" else "step",
            color=colour,
            alpha=0.75 if name == "yes" else 1.0,
            linewidth=1.4,
            label=f"turned out {name}: {len(given):,} cases",
        )
    if rare:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xlim(bins[0], bins[-1])
    axes.set_title(
        f"{subject}: {model} gives the middle yes {_percent(middle['yes'])}%, the middle no {_percent(middle['no'])}%",
        loc="left",
    )
    axes.set_xlabel("predicted probability of yes (%)")
    axes.set_ylabel("share of the yes, of the no (%)")
    legend(figure, axes)
    return figure


def _precision_by_recall(actual: Values, probability: Values) -> tuple[Values, Values]:
    """From all found down to none, as steps; the point (0, 1) that scikit-learn adds says nothing and is left out."""
    precise, found, _ = precision_recall_curve(actual, probability)
    steps = np.flatnonzero(np.diff(found))
    steps = steps[_thinned(len(steps))]
    return np.append(found[steps], 0.0), np.append(precise[steps], precise[steps[-1]])


def _thinned(points: int) -> npt.NDArray[np.intp]:
    """Places of at most so many points of a curve as an eye can tell apart, the ends among them."""
    return np.unique(np.linspace(0, points - 1, min(points, _MOST_POINTS)).round().astype(np.intp))


def _known(*columns: Values) -> list[Values]:
    known = ~np.isnan(np.stack(columns)).any(axis=0)
    return [column[known] for column in columns]


def _percent(share: float) -> str:
    """0.256 → "26", 0.0256 → "2.6", 0.000256 → "0.026"."""
    return f"{100 * share:.0f}" if share >= 0.0995 else f"{100 * share:.2g}"
