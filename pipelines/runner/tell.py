"""Telling MLflow: after publication, from the spool, each run once. A store that is away holds nothing up but this."""

from __future__ import annotations

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Task
from pipelines.io.failures import TrackingError
from pipelines.io.spool import Entry, Spool
from pipelines.runner.failures import Untold
from pipelines.runner.work import Context

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
    waiting = _published(context, spool)
    if not waiting:
        return 0
    from pipelines.io.tracking import Tracking

    tracking = Tracking(context.settings)
    for number, entry in enumerate(waiting):
        try:
            tracking.log(entry.folder)
        except TrackingError as failure:
            left = len(waiting) - number
            told = "One record waits" if left == 1 else f"{left} records wait"
            raise Untold(f"{failure}. {told} in {spool.folder}. {_LATER}") from failure
        spool.drop(entry)
    realign(context, domain, task)
    return len(waiting)


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
    waiting = spool.entries()
    published = context.ledger.published({entry.attempt for entry in waiting}) if waiting else set()
    for entry in waiting:
        if entry.attempt not in published:
            spool.drop(entry)
    return [entry for entry in waiting if entry.attempt in published]
