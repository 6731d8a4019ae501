"""A family's plan on what is published, and its fit: carried out once, then kept in its workspace."""

from __future__ import annotations

from pipelines.contracts.fits import FitPlan, FitResult, Workspace
from pipelines.contracts.tasks import Task
from pipelines.runner.work import Work
from pipelines.stages import train as train_stage


def current_plan(work: Work, task: Task, family: str) -> FitPlan:
    """The plan of a family on what is published now, by the engine that conf names or the family prefers."""
    from pipelines.models.base import families

    known = families()
    if family not in known:
        from pipelines.contracts.names import DeclarationError

        raise DeclarationError(f"task '{task.name}': no family '{family}'; there are: {', '.join(known)}")
    training = work.context.settings.training
    return train_stage.plan(
        work.domain,
        task,
        family,
        engine=training.engines.get(family, known[family].engines[0]),
        params=known[family].settled(task.params.get(family, {})),
        tables={name: work.shard(name) for name in train_stage.gold_tables(work.domain, task)},
        workers=training.workers,
        device=training.device,
    )


def fitted(work: Work, plan: FitPlan) -> FitResult:
    """The plan's fit: from its workspace if it is there, else carried out now and kept."""
    from pipelines.engines import fit
    from pipelines.engines.kept import keep, kept
    from pipelines.engines.recorder import FileRecorder

    workspace = Workspace(work.context.folder("fits") / plan.domain / plan.task / f"{plan.family}-{plan.key[:16]}")
    result = kept(workspace)
    if result is None:
        result = fit(plan, workspace, work.context.spark, FileRecorder(workspace))
        keep(result, workspace)
    return result
