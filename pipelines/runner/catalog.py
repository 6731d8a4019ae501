"""The domains that are found by looking, as a table for people: what each asks, of what, by which models."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import PER_ENTITY, Task


def catalog(domains: Iterable[Domain]) -> str:
    """A Markdown table, a row a task; the README holds it between its two marks."""
    lines = ["| domain | task | asked of | families, the baseline first | decision |", "|---|---|---|---|---|"]
    for domain in domains:
        for task in domain.tasks:
            families = sorted(task.families, key=lambda name: name != task.promote.must_beat)
            cells = [domain.name, f"`{task.name}`: {task.doc}", _asked(task), ", ".join(families), task.decide]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _asked(task: Task) -> str:
    kind = type(task).__name__.lower()
    split = f"split {task.split}".partition(":")[0] if task.hashed_by else f"tested on {task.split.test}"
    scope = " by a model of its own" if task.scope == PER_ENTITY else ""
    return f"{kind} for each `{task.spine.entity}`{scope}, {split}"
