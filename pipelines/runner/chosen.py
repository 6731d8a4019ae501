"""Which tasks a command is about."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Task
from pipelines.domains import domain as domain_named
from pipelines.domains import domains
from pipelines.io.failures import UnknownNameError


def chosen_tasks(names: Sequence[str], tasks: Sequence[str]) -> list[tuple[Domain, Task]]:
    """The tasks of these names in the domains of these names, all by default. UnknownNameError if none has one."""
    among = [domain_named(name) for name in dict.fromkeys(names)] or list(domains().values())
    found = [(domain, task) for domain in among for task in domain.tasks]
    known = sorted({task.name for _, task in found})
    if unknown := sorted(set(tasks) - set(known)):
        raise UnknownNameError(f"no task '{unknown[0]}'. There are: {', '.join(known)}")
    return [(domain, task) for domain, task in found if not tasks or task.name in tasks]


def task_meant(domain_name: str, task_name: str) -> tuple[Domain, Task]:
    """The one task of this name, in the domain of this name or, for "", in any. UnknownNameError if there is none, or
    more than one."""
    chosen = [domain_named(domain_name)] if domain_name else list(domains().values())
    having = [domain for domain in chosen if task_name in {task.name for task in domain.tasks}]
    if not having:
        known = ", ".join(task.name for domain in chosen for task in domain.tasks)
        raise UnknownNameError(f"no task '{task_name}'. There are: {known}")
    if len(having) > 1:
        names = ", ".join(domain.name for domain in having)
        raise UnknownNameError(f"several domains have a task '{task_name}': {names}. Name one with --domain")
    return having[0], having[0].task(task_name)
