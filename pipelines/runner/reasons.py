"""Why decisions were taken: what each feature had part in the predictions that they stand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Category
from pipelines.contracts.policies import Picking, Shortlisting
from pipelines.contracts.tasks import GLOBAL, Classify, Share, Span, Task
from pipelines.domains import policy as policy_named
from pipelines.io.failures import UnknownNameError
from pipelines.runner.chosen import task_meant
from pipelines.runner.decide import model_of
from pipelines.runner.failures import Waiting
from pipelines.runner.fits import current_plan
from pipelines.runner.work import Context, Stopwatch, Work
from pipelines.settings import Settings
from pipelines.stages.decide import NAIVE
from pipelines.stages.train import restricted

if TYPE_CHECKING:
    from pipelines.io.publication import Champion

_AS_GOOD_AS = 1e-6
"""Predictions may differ by so much, relatively, and still be the same."""


class NoReasons(Waiting):
    """The model that decided cannot tell what a feature had part in its predictions."""


@dataclass(frozen=True)
class Part:
    """value: what the feature was, NaN where it was not known. part: what it added to the prediction, in its unit, in
    log odds or in score, beside what the model says on average."""

    feature: str
    value: float
    part: float


@dataclass(frozen=True)
class Reason:
    """parts: of all features, the largest first. now: what the model would say today where that is not what was decided
    on, because records of before were corrected or came late; else None."""

    entity: str
    cut_at: datetime
    step: int
    action: Any
    naive_action: Any
    prediction: float
    now: float | None
    parts: Sequence[Part]


@dataclass(frozen=True)
class Reasons:
    """The reasons of some of a task's decisions. among: of so many that were asked about. unit: of the parts.
    categories: by feature that is a place in a list, from 1, that list."""

    task: str
    policy: str
    action: str
    model: str
    unit: str
    entity: str
    has_times: bool
    has_steps: bool
    among: int
    categories: Mapping[str, Sequence[str]]
    reasons: Sequence[Reason]


@dataclass(frozen=True)
class Asked:
    """About which decisions: of a task, "" for whichever domain has it; of these entities, () for all; at one cut-off,
    None for the newest there is; at most so many rows, where a policy picks first those that it picked."""

    domain: str
    task: str
    entities: tuple[str, ...]
    cut_at: datetime | None
    rows: int


def reasons(settings: Settings, asked: Asked) -> Reasons:
    """The reasons of decisions that are published.

    UnknownNameError for a task, entity or cut-off that there is not, Waiting where nothing is decided yet, NoReasons.
    """
    domain, task = task_meant(asked.domain, asked.task)
    work = Work(Context.opened(settings, Stopwatch().say), domain, "why")
    decided = domain.delta_table("gold", f"{task.name}_decisions")
    work.needs("why", [decided], "Run the stage decide first")
    decisions = _decisions(work, decided, task, asked)
    policy = policy_named(domain, task.decide)
    if isinstance(policy, Picking | Shortlisting):
        decisions = decisions.sort_by([(policy.action, "descending"), (task.spine.entity, "ascending")])
    shown = decisions.slice(0, asked.rows)
    # a cut-off may have been decided in several runs, and a champion may have followed another in between
    last = shown.slice(0, 1).select(["model", "model_version"]).to_pylist()[0]
    shown = shown.filter(pc.field("model_version") == last["model_version"])
    champion = _champion(work, task, last["model"], last["model_version"])
    found = _explained(work, domain, task, champion, shown)
    return Reasons(
        f"{domain.name}/{task.name}",
        policy.name,
        policy.action,
        f"{champion.model}/{champion.version} ({champion.family})",
        "log odds" if isinstance(task, Classify) else "score" if task.query else task.unit,
        task.spine.entity,
        isinstance(next(iter(task.split.spans.values())), Span),
        task.steps > 1,
        len(decisions),
        {
            name: feature.among
            for view in domain.views_of(task)
            for feature in view.features
            if isinstance(feature, Category)
            for name in feature.names()
        },
        [
            Reason(
                row[task.spine.entity],
                row["cut_at"],
                row["step"],
                row[policy.action],
                row[NAIVE + policy.action],
                *found[row[task.spine.entity], row["cut_at"], row["step"]],
            )
            for row in shown.to_pylist()
        ],
    )


def _decisions(work: Work, table: str, task: Task, asked: Asked) -> pa.Table:
    """The decisions asked about, in the order of entity and step."""
    from pipelines.engines.shards import read
    from pipelines.io.parquet_files import dataset

    entity, entities, cut_at = task.spine.entity, asked.entities, asked.cut_at
    shard = work.shard(table)
    wanted = ds.field(entity).isin(list(entities)) if entities else None
    rows = read(shard, dataset(shard).schema.names, wanted)
    if entities and (unknown := sorted(set(entities) - set(rows[entity].to_pylist()))):
        raise UnknownNameError(f"{table}: no decision about {entity} {', '.join(unknown)}")
    cuts = sorted(set(rows["cut_at"].to_pylist()))
    if cut_at is not None and cut_at not in cuts:
        raise UnknownNameError(
            f"{table}: no decision at {cut_at:%Y-%m-%dT%H:%M:%SZ}. They are from {cuts[0]:%Y-%m-%dT%H:%M:%SZ} to "
            f"{cuts[-1]:%Y-%m-%dT%H:%M:%SZ}"
        )
    rows = rows.filter(pc.field("cut_at") == pa.scalar(cut_at or cuts[-1], rows.schema.field("cut_at").type))
    return rows.sort_by([(entity, "ascending"), ("step", "ascending")])


def _champion(work: Work, task: Task, model: str, version: int) -> Champion:
    had = work.context.ledger.champions(work.domain.name, task.name)
    return next(champion for champion in had if (champion.model, champion.version) == (model, version))


def _explained(
    work: Work, domain: Domain, task: Task, champion: Champion, decisions: pa.Table
) -> dict[tuple[str, datetime, int], tuple[float, float | None, list[Part]]]:
    """By entity, cut-off and step of these decisions what was predicted, what would be now, and the parts."""
    from pipelines.engines.shards import examples_of, read
    from pipelines.models.bundles import scorer_of
    from pipelines.models.encodings import encoded
    from pipelines.models.rows import matrix
    from pipelines.transforms.intervals import shifted

    entity = task.spine.entity
    content, card = model_of(work.context, champion)
    plan = current_plan(work, task, champion.family)
    plan = replace(plan, frame=restricted(plan.frame, card.features))  # those that the model was given
    scorer = scorer_of(champion.family, content, card.scope)
    among = sorted(set(decisions[entity].to_pylist()))
    first = min(decisions["cut_at"].to_pylist())
    test = task.split.spans["test"]
    span = Share(0.0, 1.0) if isinstance(test, Share) else Span(first, first + timedelta(microseconds=1))
    examples = examples_of(plan, span, among=among)
    shares = scorer.contributions(examples)
    if shares is None:
        scope = "" if card.scope == GLOBAL else " of each entity"
        raise NoReasons(
            f"{domain.name}/{task.name}: {champion.family} models{scope} do not tell what each feature had part in a "
            "prediction. What they lean on in general is drawn in MLflow: permutation_importance of the run "
            f"{champion.run_id}"
        )
    rows = scorer.predict(examples)
    rows = rows if card.calibration is None else shifted(rows, card.calibration)
    features = scorer.signature.features
    values = matrix(encoded(examples, scorer.signature.encodings), features, task.steps)
    wanted = ds.field(entity).isin(among) & (
        ds.field("cut_at") == pa.scalar(first, decisions.schema.field("cut_at").type)
    )
    key = (entity, "cut_at", "step")
    told = read(work.shard(domain.delta_table("gold", f"{task.name}_predictions")), (*key, task.point), wanted)
    was = {tuple(row[name] for name in key): row[task.point] for row in told.to_pylist()}
    found = {}
    for place, row in enumerate(rows.select([*key, task.point]).to_pylist()):
        which = (row[entity], row["cut_at"], row["step"])
        if which not in was:
            continue
        order = np.argsort(-np.abs(shares[place]), kind="stable")
        parts = [Part(features[j], float(values[place, j]), float(shares[place, j])) for j in order]
        is_same = bool(np.isclose(was[which], row[task.point], rtol=_AS_GOOD_AS, atol=0.0))
        found[which] = (was[which], None if is_same else row[task.point], parts)
    return found
