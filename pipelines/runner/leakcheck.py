"""leakcheck: what is published is made anew as it could have been then, and features that know too much are told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import FitPlan
from pipelines.contracts.tasks import ByEntity, ByHash, Task
from pipelines.domains import computed
from pipelines.io.integrity import damage_named
from pipelines.metrics.suspicion import Suspicion, suspicions
from pipelines.runner.chosen import chosen_tasks
from pipelines.runner.failures import EXPECTED
from pipelines.runner.fits import current_plan
from pipelines.runner.report import table_text
from pipelines.runner.work import Context, Stopwatch, Work
from pipelines.settings import Settings
from pipelines.stages import train as train_stage

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

STAGE = "leakcheck"
SHOWN = 5
WINDOW = timedelta(days=7)
"""How long before each instant cut-offs are made anew."""


@dataclass(frozen=True)
class Leak:
    """feature: that knows too much. told: how it was found, and in how many rows."""

    feature: str
    told: str


@dataclass(frozen=True)
class Checked:
    """What a task's check came to. rows: cut-offs that were made anew; instants: as known at which; best: the features
    that predict best by themselves."""

    task: str
    instants: tuple[datetime, ...]
    rows: int
    leaks: tuple[Leak, ...]
    best: tuple[Suspicion, ...]


@dataclass(frozen=True)
class Outcome:
    """failures: why a task could not be checked, by `<domain>/<task>`."""

    checked: tuple[Checked, ...]
    failures: dict[str, str]
    seconds: float

    @property
    def is_clean(self) -> bool:
        return not self.failures and not any(checked.leaks for checked in self.checked)


def leakcheck(settings: Settings, names: Sequence[str], tasks: Sequence[str], instants: int) -> Outcome:
    """Check the published gold of tasks (all by default) for features that know what nobody could know. Writes nothing.

    Three ways: cut-offs at so many instants are made anew from what was known by each, and must be the same to the last
    bit; each feature's own skill on the training span must not be too good; no label of a span became known only when
    the next span had begun.
    """
    watch, checked, failures = Stopwatch(), [], {}
    context = Context.opened(settings, watch.say)
    for domain, task in chosen_tasks(names, tasks):
        try:
            with damage_named():
                checked.append(_check(Work(context, domain, STAGE), task, instants))
        except EXPECTED as failure:
            failures[f"{domain.name}/{task.name}"] = str(failure)
    return Outcome(tuple(checked), failures, watch.seconds)


def _check(work: Work, task: Task, count: int) -> Checked:
    work.needs(STAGE, train_stage.gold_tables(work.domain, task), "Run the stage gold first")
    plan = current_plan(work, task, task.families[0])
    leaks, rows = [], 0
    has_times = work.domain.table(task.spine.table).event_time
    instants = _instants(plan, count) if has_times else []
    for at in instants:
        work.say(STAGE, f"{task.name}: as it was known at {at:%Y-%m-%d %H:%M} …")
        made, found = _made_anew(work, task, plan, at)
        rows += made
        leaks += found
    judged = _suspicions(plan)
    leaks += [
        Leak(one.feature, f"by {one.by} alone it predicts the label too well ({one.skill:.3f}): is it the answer?")
        for one in judged
        if one.is_too_good
    ]
    leaks += _labels(task, plan) + _split(work.domain, task)
    return Checked(f"{work.domain.name}/{task.name}", tuple(instants), rows, tuple(leaks), tuple(judged[:SHOWN]))


def _instants(plan: FitPlan, count: int) -> list[datetime]:
    """Cut-offs at which the check is made, spread evenly over all there are."""
    from pipelines.engines.shards import read
    from pipelines.transforms.examples import instants

    cuts = sorted(set(instants(read(plan.tables[plan.frame.cut_offs], ["cut_at"], None)["cut_at"]).tolist()))
    places = {round((i + 1) * (len(cuts) - 1) / count) for i in range(count)} if cuts else set()
    return [datetime.fromtimestamp(cuts[place] / 1e6, UTC) for place in sorted(places)]


def _made_anew(work: Work, task: Task, plan: FitPlan, at: datetime) -> tuple[int, list[Leak]]:
    """How many cut-offs were made anew as of `at`, and the features that are others then."""
    import pyarrow as pa
    import pyarrow.dataset as ds
    from pyspark.sql import functions as F

    from pipelines.engines.shards import read, series_for
    from pipelines.stages import leakcheck as stage
    from pipelines.transforms.examples import INSTANT

    # pictures and the query are what the row itself says: gold has them as silver has
    domain, frame = work.domain, replace(plan.frame, images=(), query="")
    since = at - WINDOW
    names = {table.name: domain.delta_table("silver", table.name) for table in domain.tables}
    silver = {name: work.read(table) for name, table in names.items()}
    history = {name: work.read(f"{table}_history") for name, table in names.items() if work.exists(f"{table}_history")}
    held = work.read(frame.cut_offs).where(F.col("cut_at").between(F.lit(since), F.lit(at)))
    again = stage.as_known_at(domain, task, silver, history, at, since, computed(domain))
    line = stage.differences(held, again, frame.entity).collect()[0].asDict()
    rows = line.pop("rows")
    cut_offs = read(
        plan.tables[frame.cut_offs],
        (frame.entity, "cut_at", *frame.cut_off_features),
        (ds.field("cut_at") >= pa.scalar(since, INSTANT)) & (ds.field("cut_at") <= pa.scalar(at, INSTANT)),
    )
    looked_up = stage.looked_up_differences(cut_offs, series_for(cut_offs, plan.tables, frame), frame, at)
    told = f"other in {{}} of {rows:,} rows when only what was known at {at:%Y-%m-%d %H:%M} is there"
    return rows, [Leak(name, told.format(f"{other:,}")) for name, other in (*line.items(), *looked_up) if other]


def _suspicions(plan: FitPlan) -> list[Suspicion]:
    """Each feature's own skill on the training span."""
    from pipelines.engines.shards import examples_of

    rows = examples_of(replace(plan, frame=replace(plan.frame, images=(), query="")), plan.train)
    features = {
        name: _flat(rows[name], plan.frame.steps)
        for name in rows.column_names
        if name not in (plan.frame.entity, "cut_at", "label") and name not in _windows(plan)
    }
    return suspicions(features, _flat(rows["label"], plan.frame.steps), class_count=plan.class_count)


def _windows(plan: FitPlan) -> set[str]:
    return {name for group in plan.frame.windows for feature in group.features for name in feature.names()}


def _flat(column: pa.ChunkedArray, steps: int) -> np.ndarray:
    """One value a step; what is said once a cut-off is repeated for each."""
    import numpy as np
    import pyarrow as pa

    column = column.combine_chunks()
    if pa.types.is_list(column.type):
        return np.asarray(column.flatten().to_numpy(zero_copy_only=False), np.float64)
    return np.repeat(np.asarray(column.to_numpy(zero_copy_only=False), np.float64), steps)


def _labels(task: Task, plan: FitPlan) -> list[Leak]:
    """Labels that the split lets a model learn from before they could be known."""
    from pipelines.engines.shards import read
    from pipelines.stages.leakcheck import late_labels

    frame = plan.frame
    label = read(plan.tables[frame.label_series], (frame.entity, "at", "known_at", frame.label), None).to_pandas()
    cut_offs = read(plan.tables[frame.cut_offs], (frame.entity, "cut_at"), None).to_pandas()
    return [
        Leak(frame.label, f"{late:,} of {of:,} labels of the span {span} became known after the next one began")
        for span, late, of in late_labels(label, cut_offs, task)
    ]


def _split(domain: Domain, task: Task) -> list[Leak]:
    is_by_hash = isinstance(task.split, ByHash) and not isinstance(task.split, ByEntity)  # that is meant to be so
    if is_by_hash and domain.table(task.spine.table).event_time:
        told = "the split is by hash though its rows have times, so training knows the weeks of the test"
        return [Leak(task.spine.entity, told)]
    return []


def summary(outcome: Outcome) -> str:
    """What was checked and found, as tables for people."""
    parts = []
    if outcome.checked:
        rows = [
            (of.task, f"{len(of.instants)}", f"{of.rows:,}", f"{len(of.leaks)}" if of.leaks else "none")
            for of in outcome.checked
        ]
        parts.append("\n".join(table_text(["task", "made anew as of", "rows", "leaks"], rows)))
        best = [(of.task, one.feature, one.by, f"{one.skill:.3f}") for of in outcome.checked for one in of.best]
        parts.append("\n".join(table_text(["task", "predicts best by itself", "by", "skill"], best, left=3)))
    for of in outcome.checked:
        parts += [f"{of.task}: {leak.feature}: {leak.told}" for leak in of.leaks]
    return "\n\n".join([*parts, f"{outcome.seconds:.1f} s in all"])
