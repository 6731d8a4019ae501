"""Telling MLflow: after publication, from the spool, each run once. A store that is away holds nothing up but this."""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Task
from pipelines.domains import domain as domain_named
from pipelines.domains import domains
from pipelines.io.failures import LeaseError, TrackingError
from pipelines.io.spool import Entry, Spool
from pipelines.runner.failures import Untold
from pipelines.runner.work import Context, Stopwatch
from pipelines.settings import Settings

ALIAS = "champion"
_LATER = "The next run tells it, or: headrace tracking sync"


def spool_of(context: Context, domain: Domain, task: Task) -> Spool:
    """What MLflow has yet to be told of a task."""
    return Spool(context.folder("tracking") / domain.name / task.name)


def tell(context: Context, domain: Domain, task: Task) -> int:
    """Log what waits, and put the alias where the ledger has the champion; returns how many records that were.

    To be called under the domain's lease, outside an attempt: an entry whose attempt is not published is then of a dead
    one, and goes. Raises Untold where MLflow does not take all of it.
    """
    spool = spool_of(context, domain, task)
    entries = _published(context, spool)
    if not entries:
        return 0
    from pipelines.io.tracking import Tracking

    tracking = Tracking(context.settings)
    for number, entry in enumerate(entries):
        try:
            tracking.log(entry.folder)
        except TrackingError as failure:
            left = len(entries) - number
            told = "One record waits" if left == 1 else f"{left} records wait"
            raise Untold(f"{failure}. {told} in {spool.folder}. {_LATER}") from failure
        spool.drop(entry)
    realign(context, domain, task)
    return len(entries)


def realign(context: Context, domain: Domain, task: Task) -> bool:
    """Let the alias point to the champion, as the ledger has it; True if it pointed elsewhere. Untold if MLflow is
    away."""
    champions = context.ledger.champions(domain.name, task.name)
    if not champions:
        return False
    from pipelines.io.registry import Registry

    champion = champions[-1]
    try:
        return Registry(context.settings).point_alias(champion.model, ALIAS, champion.version)
    except TrackingError as failure:
        raise Untold(f"{failure}. {_LATER}") from failure


def _published(context: Context, spool: Spool) -> list[Entry]:
    """The entries that wait; those of dead attempts go."""
    entries = spool.entries()
    published = context.ledger.published({entry.attempt for entry in entries}) if entries else set()
    for entry in entries:
        if entry.attempt not in published:
            spool.drop(entry)
    return [entry for entry in entries if entry.attempt in published]


def waiting(settings: Settings, names: Sequence[str]) -> dict[str, int]:
    """How many records wait, by `<domain>/<task>`, where any do. names: of domains, all by default."""
    context = Context.opened(settings, Stopwatch().say)
    found = {
        f"{domain.name}/{task.name}": len(spool_of(context, domain, task).entries())
        for domain in _domains(names)
        for task in domain.tasks
    }
    return {task: entries for task, entries in found.items() if entries}


def sync(settings: Settings, names: Sequence[str]) -> tuple[dict[str, int], dict[str, str]]:
    """Tell MLflow all that waits, domain by domain under its lease, and put the aliases right.

    Returns how many records were logged by `<domain>/<task>`, and the failures by the same or by the domain.
    """
    context = Context.opened(settings, Stopwatch().say)
    logged: dict[str, int] = {}
    failures: dict[str, str] = {}
    for domain in _domains(names):
        try:
            with context.leased(domain) as leased:
                for task in domain.tasks:
                    try:
                        if entries := tell(leased, domain, task):
                            logged[f"{domain.name}/{task.name}"] = entries
                        else:
                            realign(leased, domain, task)
                    except Untold as failure:
                        failures[f"{domain.name}/{task.name}"] = str(failure)
        except LeaseError as failure:
            failures[domain.name] = str(failure)
    return logged, failures


def _domains(names: Sequence[str]) -> list[Domain]:
    return [domain_named(name) for name in dict.fromkeys(names)] or list(domains().values())
