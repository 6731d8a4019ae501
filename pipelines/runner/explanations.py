"""How a fit's predictions of the test span are explained: by a sample of its examples, asked of its scorer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.fits import FitPlan, FitResult
from pipelines.contracts.tasks import Task
from pipelines.metrics import explanation_figures
from pipelines.metrics.comparison import judged_by
from pipelines.metrics.countings import counted
from pipelines.metrics.explanations import dependence, permutation
from pipelines.metrics.losses import as_loss, loss_name
from pipelines.metrics.measures import values
from pipelines.metrics.tally import Tally
from pipelines.models.base import Scorer
from pipelines.models.query_groups import numbers
from pipelines.models.rows import LABEL, STEP, matrix

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ROWS, MOST_FEATURES, SHOWN = 1000, 40, 4
"""Of so many rows the scorer is asked, about so many features; so many dependences are drawn."""
FILE = "explanations.csv"


@dataclass(frozen=True)
class Explanations:
    """figures: by name. documents: texts by file name. Both empty where nothing could be explained."""

    figures: Mapping[str, Figure] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)


def explanations(
    task: Task,
    plan: FitPlan,
    result: FitResult,
    scorer: Scorer,
    examples: pa.Table,
    means: Callable[[], Mapping[str, float] | None],
) -> Explanations:
    """What the model makes of its features, from up to ROWS rows of examples that it never saw.

    examples: of the test span, with labels. means: tells the mean size of each feature's contributions over the whole
    span; it is asked only where the scorer has contributions. Pictures are not explained, nor is a sample without a
    known label.
    """
    sample = _sample(examples, task)
    features = _asked(plan, result, sample)
    if plan.frame.images or not features or not len(sample):
        return Explanations()
    metric = judged_by(task)[-1]

    def loss(of: pa.Table) -> float:
        rows = scorer.predict(of).append_column("actual", pc.list_flatten(of[LABEL]))
        rows = rows.filter(rows["actual"].is_valid())
        found = counted(Tally(rows, task, np.zeros(len(rows), np.int64), 1), metric).of(np.ones((1, 1)))
        return as_loss(metric, float(found[0]))

    whole = loss(sample)
    if not np.isfinite(whole) or whole <= 0.0:
        return Explanations()
    told = {"model": plan.family, "subject": task.name}
    grown = permutation(sample, features, loss)
    best = sorted(grown, key=lambda name: -grown[name])[:SHOWN]
    found = {name: dependence(sample, name, lambda of: values(scorer.predict(of), task.point)) for name in best}
    found = {name: of for name, of in found.items() if len(of.at) > 1}
    figures = {"permutation_importance": explanation_figures.permutation(grown, loss=loss_name(metric), **told)}
    if found:
        figures["partial_dependence"] = explanation_figures.dependences(found, unit=task.unit, **told)
    rows = pd.DataFrame({"feature": features, f"{loss_name(metric)}_grows_by": [grown[name] for name in features]})
    shares = scorer.contributions(sample)
    if shares is not None:
        names = list(plan.frame.features)
        # a probability is a sum of log odds, and an order one of scores that have no unit
        unit = task.unit if task.quantiles or task.query else "log odds"
        figures["contributions"] = explanation_figures.contributions(
            shares, matrix(sample, names, plan.frame.steps), names, unit=unit, **told
        )
        mean = means() or {}
        rows["mean_absolute_contribution"] = [mean.get(name, math.nan) for name in features]
    return Explanations(figures, {FILE: rows.to_csv(index=False)})


def _sample(examples: pa.Table, task: Task) -> pa.Table:
    """Evenly over the examples, those with a known label; where they are put in order, whole queries."""
    labels = examples[LABEL].combine_chunks()
    is_known = np.asarray(pc.is_valid(labels.flatten())).reshape(len(examples), task.steps).all(axis=1)
    places = np.flatnonzero(is_known)
    if task.query:
        query = numbers(examples[task.query])[places]
        return examples.take(pa.array(places[query % -(-len(places) // ROWS) == 0] if len(places) else places))
    wanted = min(max(ROWS // task.steps, 1), len(places))
    return examples.take(pa.array(places[np.arange(wanted) * len(places) // max(wanted, 1)]))


def _asked(plan: FitPlan, result: FitResult, sample: pa.Table) -> list[str]:
    """The features with columns of their own; of more than MOST_FEATURES, those that the fit leaned on most."""
    found = [name for name in plan.frame.features if name != STEP and name in sample.column_names]
    gain = result.importance or {}
    most = sorted(found, key=lambda name: -gain.get(name, 0.0))[:MOST_FEATURES]
    return [name for name in found if name in most]
