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
