"""A family's plan on what is published, and its fit: carried out once, then kept in its workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pipelines.contracts.fits import CurvePoint, FitPlan, FitResult, Workspace
from pipelines.contracts.tasks import PER_ENTITY, Task
from pipelines.contracts.usage import Usage
from pipelines.runner import measured
from pipelines.runner.estimate import estimate, must_be_affordable
from pipelines.runner.work import Work
from pipelines.stages import train as train_stage
from pipelines.stages.rungs import given_up_at

AUTO, FEW_ROWS = "auto", 300_000
"""In conf, the engine that takes one process for fewer rows than these. At 300,000 rows and 11 features, XGBoost by two
workers took as long as by one (measured); nets pay 5 to 20 s for the start of their ranks."""


class GivenUp(Exception):
    """A fit was behind at `step` and is not kept. curves: up to there; core_seconds: what was computed."""

    def __init__(self, step: int, curves: Sequence[CurvePoint], core_seconds: float) -> None:
        super().__init__(f"behind at step {step}")
        self.step, self.core_seconds = step, core_seconds
        self.curves = tuple(point for point in curves if point.step <= step)


def current_plan(work: Work, task: Task, family: str) -> FitPlan:
    """The plan of a family on what is published now, by the engine that conf names or the family prefers for the task.

    Models of each entity are fitted in this process where conf names the engine single, else in Spark's workers,
    whichever engine conf has for a single large model of the family.
    """
    from pipelines.engines import PER_ENTITY_ENGINES
    from pipelines.models.base import families

    known = families()
    if family not in known:
        from pipelines.contracts.names import DeclarationError

        raise DeclarationError(f"task '{task.name}': no family '{family}'; there are: {', '.join(known)}")
    training = work.context.settings.training
    preferred = known[family].engines_for(task)[0]
    wanted = training.engines.get(family, preferred)
    if task.scope_of(family) == PER_ENTITY:
        preferred = PER_ENTITY_ENGINES[0]
        wanted = wanted if wanted in (AUTO, "single") else preferred
    plan = train_stage.plan(
        work.domain,
        task,
        family,
        engine=preferred if wanted == AUTO else wanted,
        params=known[family].settled(task.params.get(family, {})),
        tables={name: work.shard(name) for name in train_stage.gold_tables(work.domain, task)},
        workers=training.workers,
        device=training.device,
        precision=training.precision,
        compression=training.compression,
    )
    return by_size(plan) if wanted == AUTO else plan


def by_size(plan: FitPlan) -> FitPlan:
    """The plan by one process, if its rows are few."""
    return replace(plan, engine="single") if rows_of(plan) < FEW_ROWS else plan


def told_where(plan: FitPlan, wanted: str | None) -> str:
    """Where the plan's fit is carried out, in words; and why there, if conf wanted its size to decide."""
    where = "in one process" if plan.engine == "single" else f"by {plan.engine}, {plan.workers} workers"
    if plan.scope == PER_ENTITY:
        where = f"of each {plan.frame.entity} {where}"
    if wanted != AUTO:
        return where
    return f"{where} ({AUTO}: {rows_of(plan):,} rows, {FEW_ROWS:,} are worth several workers)"


def fitted(work: Work, plan: FitPlan, limits: Mapping[int, float] | None = None) -> FitResult:
    """The plan's fit: from its workspace if it is there, else carried out now, measured and kept. FitError if it fails,
    or is estimated to take longer than conf's budget and is not forced.

    limits: by step the loss on the validate span above which it ends and GivenUp is raised. It is raised for a fit that
    was kept before, too: what is given up does not depend on what is kept.
    """
    from pipelines.engines import fit
    from pipelines.engines.kept import keep, kept
    from pipelines.engines.recorder import FileRecorder
    from pipelines.io.machine import Watched

    workspace = workspace_of(work, plan)
    result = kept(workspace)
    if result is None:
        training, rows = work.context.settings.training, rows_of(plan)
        if not work.context.is_forced:
            expected = estimate(plan, rows, work.context.folder("fits"), training.price_per_core_hour)
            must_be_affordable(expected, plan, training.budget_minutes)
        with Watched() as machine:
            result = fit(plan, workspace, work.context.spark, FileRecorder(workspace, limits))
        if (behind_at := given_up_at(result.curves, limits or {})) is not None:
            raise GivenUp(behind_at, result.curves, machine.usage.core_seconds)
        usage = replace(machine.usage, bytes_read=bytes_of(plan))
        measured.keep(measured.measured(plan, rows, usage), workspace)
        keep(result, workspace)
    elif (behind_at := given_up_at(result.curves, limits or {})) is not None:
        raise GivenUp(behind_at, result.curves, core_seconds_of(work, plan))
    return result


def usage_of(work: Work, plan: FitPlan) -> Usage | None:
    """What the plan's fit took; None where it was not measured."""
    found = measured.kept(workspace_of(work, plan))
    return found.usage if found else None


def core_seconds_of(work: Work, plan: FitPlan) -> float:
    """What the plan's fit computed; 0 where it was not measured."""
    usage = usage_of(work, plan)
    return usage.core_seconds if usage else 0.0


def workspace_of(work: Work, plan: FitPlan) -> Workspace:
    return Workspace(work.context.folder("fits") / plan.domain / plan.task / f"{plan.family}-{plan.key[:16]}")


def rows_of(plan: FitPlan) -> int:
    """How many rows a fit is made on: the cut-offs of its train and validate spans, each in all its steps."""
    from pipelines.engines.shards import cut_offs_of

    frame = plan.frame
    return frame.steps * sum(len(cut_offs_of(plan, span, ())) for span in (plan.train, plan.validate))


def bytes_of(plan: FitPlan) -> int:
    """How large the files are that hold the plan's tables; those of other machines are not counted."""
    paths = [Path(unquote(urlsplit(file).path)) for table in plan.tables.values() for file in table.files]
    return sum(path.stat().st_size for path in paths if path.is_file())
