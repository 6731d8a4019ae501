"""The one room that sees stages, engines and io together: it walks the stages, unit by unit, and holds no stage's logic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import cache

from pipelines.contracts.domain import Domain
from pipelines.domains import domain as domain_named
from pipelines.domains import domains
from pipelines.io.delta import Warehouse
from pipelines.io.ledger import Ledger
from pipelines.runner import ingest
from pipelines.runner.failures import EXPECTED
from pipelines.runner.work import Context, Stopwatch
from pipelines.settings import Settings
from pipelines.stages import STAGES, UNITS

UNIT_RUNNERS: dict[str, Callable[[Context, Domain, Collection[str]], None]] = {"ingest": ingest.run}


class UnknownStageError(LookupError):
    """There is no stage of this name; the message lists those that exist."""


def run(
    settings: Settings, *, names: Sequence[str] = (), stages: Sequence[str] = (), as_of: datetime | None = None
) -> dict[str, str]:
    """Run the stages (all by default) of the domains (all by default), unit by unit in the order of the way.

    A domain whose unit fails is left there, as it was last published; the others go on. Returns what went wrong by
    domain: empty only if everything asked for is complete.
    """
    unknown = sorted(set(stages) - {stage.name for stage in STAGES})
    if unknown:
        raise UnknownStageError(f"unknown stage '{unknown[0]}'. There are: {', '.join(s.name for s in STAGES)}")
    chosen = [domain_named(name) for name in dict.fromkeys(names)] or list(domains().values())
    context = _context(settings, as_of)
    failures = {}
    for domain in chosen:
        try:
            for unit in UNITS:
                wanted = [s.name for s in STAGES if s.unit == unit and (not stages or s.name in stages)]
                if wanted:
                    UNIT_RUNNERS[unit](context, domain, wanted)
        except EXPECTED as failure:
            failures[domain.name] = str(failure)
            context.say(domain.name, "failed", str(failure))
    return failures


def _context(settings: Settings, as_of: datetime | None) -> Context:
    @cache
    def spark():  # type: ignore[no-untyped-def]
        from pipelines.io.session import session

        context.say("", "spark", f"starting on {settings.spark.master}")
        return session(settings)

    ledger = Ledger(settings.ledger)
    context = Context(settings, ledger, Warehouse(spark, settings.root, ledger), spark, Stopwatch().say, as_of)
    return context
