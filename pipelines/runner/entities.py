"""What is told of a fit that made a model of each entity: which model answers for whom, and what each is worth."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pipelines.contracts.fits import FitPlan, FitResult
from pipelines.contracts.tasks import PER_ENTITY, Task
from pipelines.metrics.entity_figures import skill_by_entity
from pipelines.models.bundles import Bundle
from pipelines.stages import evaluate
from pipelines.stages.evaluate import Evidence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OWN, POOLED = "own", "pooled"
TABLE = "entities.csv"
_NAMED = 5


@dataclass(frozen=True)
class OfEach:
    """metrics, figures and documents for the fit's run."""

    metrics: Mapping[str, float]
    figures: Mapping[str, Figure]
    documents: Mapping[str, str]


def bundle_of(plan: FitPlan, result: FitResult) -> Bundle | None:
    """The models of a fit of each entity; None of another fit."""
    return Bundle.read(result.model) if plan.scope == PER_ENTITY else None


def by_which_model(bundle: Bundle) -> str:
    """How many entities of the train span have a model of their own, and who is answered by the pooled one."""
    entity, few = bundle.signature.entity, bundle.few
    told = f"{len(bundle.own):,} of {len(bundle.rows):,} {entity} have a model of their own"
    if not few:
        return f"{told}; all others are answered by the pooled model"
    return (
        f"{told}; {_listed(few)} with fewer than {bundle.least_rows:,} labelled rows, or none to validate on, and all "
        "others are answered by the pooled model"
    )


def told_pooled(bundle: Bundle, asked: Sequence[str]) -> str:
    """For whom of these entities the pooled model answered."""
    pooled = sorted(set(asked) - set(bundle.own))
    if not pooled:
        return f"each {bundle.signature.entity} was answered by its own model"
    return f"the pooled model answered for {_listed(pooled)} of {len(asked):,} {bundle.signature.entity}"


def _listed(names: Sequence[str]) -> str:
    """How many, and the first of them by name."""
    more = ", …" if len(names) > _NAMED else ""
    return f"{len(names):,} ({', '.join(names[:_NAMED])}{more})"


def by_entity(bundle: Bundle, seen: Evidence, naive: Evidence, task: Task) -> OfEach:
    """The test span's metrics of each entity as a table and a picture of their skill; how many have which model."""
    of_each = evaluate.by_entity(seen, naive, task)
    rows = [
        {
            task.spine.entity: name,
            "model": OWN if name in bundle.own else POOLED,
            "train_rows": bundle.rows.get(name, 0),
            **metrics,
        }
        for name, metrics in of_each.items()
    ]
    text = io.StringIO()
    columns = dict.fromkeys(name for row in rows for name in row)  # a metric that one entity lacks others may have
    table = csv.DictWriter(text, list(columns), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    skills = {name: metrics["skill"] for name, metrics in of_each.items()}
    own = np.array([skill for name, skill in skills.items() if name in bundle.own])
    pooled = np.array([skill for name, skill in skills.items() if name not in bundle.own])
    unseen = [name for name in skills if name not in bundle.rows]
    return OfEach(
        metrics={
            "entities/own": float(len(bundle.own)),
            "entities/too_few_rows": float(len(bundle.few)),
            "entities/unseen": float(len(unseen)),
            "entities/no_better_than_naive": float(sum(skill <= 0 for skill in skills.values())),
        },
        figures={
            "skill_by_entity": skill_by_entity(
                own, pooled, entity=task.spine.entity, model=seen.family, subject=task.name
            )
        },
        documents={TABLE: text.getvalue()},
    )
