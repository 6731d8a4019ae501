"""A fit of many models, for engines that are asked for one of each entity: of which entities, from which rows, and what
is done of it. Each model is fitted alone on one thread, and kept as soon as it is there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from threadpoolctl import threadpool_limits

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder, WorkerRecord, Workspace
from pipelines.contracts.tasks import GLOBAL
from pipelines.engines.kept import keep, kept
from pipelines.engines.recorder import PARTS, FileRecorder, begin
from pipelines.engines.shards import cut_offs_of, examples_of, shard_hash
from pipelines.engines.workers import leave_record, records
from pipelines.models.base import Family, Signature
from pipelines.models.bundles import Bundle
from pipelines.models.rows import LABEL, lists

_POOLED = ""
_TOGETHER = 64
"""Entities whose rows are read at once: few enough for a worker's memory, and not a reading of gold for each."""

Part = tuple[str, ...]
"""Entities whose models one worker makes; empty: the one model of all entities."""


@dataclass(frozen=True)
class Made:
    """What became of one model: of an entity, or "" for that of all. rows: labelled ones to learn from. error: why it
    could not be fitted; "" where it was, or where the entity has too few rows for one of its own."""

    entity: str
    rows: int
    error: str = ""


def fit_entities(
    plan: FitPlan,
    workspace: Workspace,
    recorder: Recorder,
    most_parts: int,
    carry_out: Callable[[Sequence[Part]], Iterable[Made]],
) -> FitResult:
    """All models of the plan in one bundle: the same bytes whoever made which.

    carry_out: makes every part by `made`, in any order; their number is their place in the sequence.
    Models that an earlier attempt in this workspace finished are not made again. FitError with the entity and the
    reason where one could not be fitted; the others are kept.
    """
    entity = plan.frame.entity
    names = sorted(cut_offs_of(plan, plan.train, ())[entity].unique().to_pylist())
    missing = [name for name in names if kept(_place(workspace, name)) is None]
    parts: list[Part] = [] if kept(_place(workspace, _POOLED)) else [()]  # the one of all takes longest: it comes first
    if missing:
        parts += [tuple(part.tolist()) for part in np.array_split(missing, min(most_parts, len(missing)))]
    outcome = list(carry_out(parts))
    if failed := sorted((of for of in outcome if of.error), key=lambda of: (not of.entity, of.entity)):
        which = f"{entity} '{failed[0].entity}'" if failed[0].entity else "all of them together"
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        raise FitError(
            f"{plan.family} by {plan.engine}: no model of {which}{more}: {failed[0].error}. "
            "Models that are finished are kept for the next run"
        )
    few = {of.entity: of.rows for of in outcome if of.entity}
    return _bundled(plan, workspace, recorder, {name: few.get(name, 0) for name in names}, len(parts))


def made(family: Family, plan: FitPlan, workspace: Workspace, number: int, part: Part) -> Iterator[Made]:
    """Make the models of one part. number: its place among all parts."""
    every, key = family.origins_every(plan.params), plan.key
    alone = replace(plan, scope=GLOBAL, least_rows=0)
    groups: list[Part | None] = [part[i : i + _TOGETHER] for i in range(0, len(part), _TOGETHER)] or [None]
    seen = []
    for names in groups:
        train = examples_of(plan, plan.train, every=every, among=names)
        validate = examples_of(plan, plan.validate, among=names)
        seen.append(train.select([plan.frame.entity, "cut_at"]))
        if names is None:
            yield _fitted(family, alone, key, _place(workspace, _POOLED), _POOLED, train, validate)
        for name in names or ():
            own = [rows.filter(pc.equal(rows[plan.frame.entity], name)) for rows in (train, validate)]
            rows = _labelled(own[0], plan)
            if rows < plan.least_rows or not _labelled(own[1], plan):
                yield Made(name, rows)
            else:
                yield _fitted(family, alone, key, _place(workspace, name), name, *own)
    keys = pa.concat_tables(seen)
    leave_record(workspace, WorkerRecord(number, os.getpid(), len(keys), shard_hash(keys, plan.frame.entity)))


def _fitted(
    family: Family, plan: FitPlan, key: str, place: Workspace, name: str, train: pa.Table, validate: pa.Table
) -> Made:
    """One model, in a workspace of its own, in which a fit goes on that was killed."""
    rows = _labelled(train, plan)
    if kept(place) is None:  # a task that is repeated finds what it made
        begin(place, key)
        recorder = FileRecorder(place)
        try:
            with threadpool_limits(1):  # the last bits of sums depend on the number of threads
                result = family.fit(train, validate, plan, recorder)
        except (ArithmeticError, RuntimeError, ValueError) as error:  # FitError, and what the libraries of models raise
            reason = f"{error}".partition("\n")[0].removeprefix(f"{plan.family} by {plan.engine}: ")
            return Made(name, rows, reason)
        keep(replace(result, curves=recorder.points(), workers=(WorkerRecord(0, os.getpid(), rows, ""),)), place)
    return Made(name, rows)


def _bundled(plan: FitPlan, workspace: Workspace, recorder: Recorder, rows: Mapping[str, int], parts: int) -> FitResult:
    """The bundle of what is kept. rows: by entity of those that were looked at now, else 0."""
    pooled = kept(_place(workspace, _POOLED))
    assert pooled is not None, "it was made, or its error raised"
    own = {name: result for name in rows if (result := kept(_place(workspace, name)))}
    counted = {name: own[name].workers[0].rows if name in own else few for name, few in rows.items()}
    for point in pooled.curves:
        recorder.record(f"pooled {point.name}", point.step, point.value)
    models = {name: result.model for name, result in own.items()}
    bundle = Bundle(Signature.of(plan), plan.least_rows, pooled.model, models, counted)
    told = [result.importance for result in own.values()] or [pooled.importance]
    importance = {
        name: sum(of.get(name, 0.0) for of in told) / len(told) for name in sorted({key for of in told for key in of})
    }
    return FitResult(bundle.sealed(), "safetensors", importance=importance, workers=records(workspace, parts))


def _place(workspace: Workspace, name: str) -> Workspace:
    hashed = hashlib.sha256(name.encode()).hexdigest()[:32] if name else "pooled"
    return Workspace(workspace.path / PARTS / hashed)


def _labelled(examples: pa.Table, plan: FitPlan) -> int:
    """How many labels are known, every step's counted."""
    return int((~np.isnan(lists(examples, LABEL, plan.frame.steps))).sum())
