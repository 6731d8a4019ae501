"""What the published decisions of tasks changed, against the naive policy."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.contracts.tasks import ByHash, Task
from pipelines.domains import policy as policy_named
from pipelines.runner.chosen import chosen_tasks
from pipelines.runner.report import table_text
from pipelines.runner.work import Context, Stopwatch, Work
from pipelines.settings import Settings

if TYPE_CHECKING:
    from pipelines.contracts.policies import Policy
    from pipelines.metrics.effect import Effect

VERDICTS = {
    "better": "better than the naive policy",
    "worse": "worse than the naive policy",
    "unsure": "not to be told from the naive policy",
}


@dataclass(frozen=True)
class TaskEffect:
    """whole: None while no decision's label is known; months: none for cut-offs without times."""

    policy: str
    unit: str
    whole: Effect | None
    months: Sequence[Effect]


def effects(settings: Settings, names: Sequence[str], tasks: Sequence[str]) -> dict[str, TaskEffect | None]:
    """By `<domain>/<task>` what its decisions came to beside the naive policy's; None where observe has not valued them
    yet. names, tasks: all by default. UnknownNameError for a task that no domain has."""
    context = Context.opened(settings, Stopwatch().say)
    found: dict[str, TaskEffect | None] = {}
    for domain, task in chosen_tasks(names, tasks):
        work, valued = Work(context, domain, "effect"), domain.delta_table("gold", f"{task.name}_realised")
        is_valued = work.exists(valued)
        found[f"{domain.name}/{task.name}"] = (
            of_valued(work, valued, task, policy_named(domain, task.decide)) if is_valued else None
        )
    return found


def of_valued(work: Work, table: str, task: Task, policy: Policy) -> TaskEffect:
    """The effect of one task's valued decisions, `table` as observe writes it."""
    from pipelines.engines.shards import read
    from pipelines.metrics.effect import by_month, effect

    query = [task.query] if task.query else []
    rows = read(work.shard(table), ("cut_at", *query, "value", "naive_value", "foresight_value"), None)
    has_times = not isinstance(task.split, ByHash)
    whole = effect(rows, higher_is_better=policy.higher_is_better, has_times=has_times, query=task.query)
    months = by_month(rows, higher_is_better=policy.higher_is_better) if has_times and whole else []
    return TaskEffect(policy.name, policy.unit, whole, months if len(months) > 1 else [])


def metrics(found: TaskEffect) -> dict[str, float]:
    """What MLflow is told; nothing before a label is known."""
    whole = found.whole
    told = {"gain": whole.gain, "gain_low": whole.low, "gain_high": whole.high} if whole else {}
    return {f"effect/{name}": value for name, value in told.items() if math.isfinite(value)}


def table(found: Mapping[str, TaskEffect | None]) -> str:
    """For people: a paragraph a task."""
    return "\n\n".join("\n".join(_lines(task, of)) for task, of in found.items())


def _lines(task: str, of: TaskEffect | None) -> list[str]:
    if of is None:
        return [f"{task}: its decisions are not valued yet. Run the stage observe first"]
    if of.whole is None:
        return [f"{task}: no label of any decision is known yet"]
    whole = of.whole
    head = (f"cut-offs in {of.unit}", "decisions", "value", "naive", "foresight", "gain", "19 in 20 between")
    rows = [
        [
            one.label or f"{one.since:%Y-%m-%d} to {one.until:%Y-%m-%d}",
            f"{one.decisions:,}",
            *[f"{value:,.0f}" for value in (one.value, one.naive_value, one.foresight_value)],
            f"{one.gain:+,.0f}",
            "too few days" if math.isnan(one.low) else f"{one.low:+,.0f} and {one.high:+,.0f}",
        ]
        for one in (*of.months, whole)
    ]
    won = "" if whole.share is None else f", {whole.share:.0%} of what perfect foresight would have won"
    said = f"{task}: {of.policy} was {VERDICTS[whole.verdict]}: a gain of {whole.gain:+,.0f} {of.unit}{won}"
    return [said, *table_text(head, rows)]
