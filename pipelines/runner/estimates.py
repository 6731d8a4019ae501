"""Estimates of the fits that tasks would need now, on what is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Task
from pipelines.runner.chosen import chosen_tasks
from pipelines.runner.estimate import Estimate, estimate, told
from pipelines.runner.fits import current_plan, rows_of
from pipelines.runner.report import table_text
from pipelines.runner.work import Context, Stopwatch, Work
from pipelines.settings import Settings
from pipelines.stages.train import gold_tables


def estimates(settings: Settings, names: Sequence[str], tasks: Sequence[str]) -> dict[str, list[Estimate]]:
    """By `<domain>/<task>` an estimate for each family; none where the task's gold is not published. names, tasks: all
    by default. UnknownNameError for a task that no domain has."""
    context = Context.opened(settings, Stopwatch().say)
    return {
        f"{domain.name}/{task.name}": _of_task(context, domain, task) for domain, task in chosen_tasks(names, tasks)
    }


def table(found: Mapping[str, Sequence[Estimate]]) -> str:
    """One line a family, for people."""
    rows = [
        [task, of.family, of.engine, f"{of.rows:,}", str(of.features), told(of)]
        for task, families in found.items()
        for of in families
    ]
    waiting = [
        f"{task}: its gold is not published yet. Run the stage gold first" for task, of in found.items() if not of
    ]
    lines = table_text(["task", "family", "engine", "rows", "features", "estimate"], rows, left=6) if rows else []
    return "\n".join([*lines, *waiting])


def _of_task(context: Context, domain: Domain, task: Task) -> list[Estimate]:
    work = Work(context, domain, "estimate")
    if not all(work.exists(name) for name in gold_tables(domain, task)):
        return []
    price, folder = context.settings.training.price_per_core_hour, context.folder("fits")
    plans = [current_plan(work, task, family) for family in task.families]
    return [estimate(plan, rows_of(plan), folder, price) for plan in plans]
