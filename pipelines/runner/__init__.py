"""The one room that sees stages, engines and io together: it walks the stages and holds no stage's logic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from pipelines.contracts.domain import Domain
from pipelines.domains import domain as domain_named
from pipelines.domains import domains
from pipelines.io.delta import Warehouse
from pipelines.io.ledger import Ledger
from pipelines.runner import decide, ingest, learn
from pipelines.runner.failures import EXPECTED
from pipelines.runner.work import Context, Stopwatch
from pipelines.settings import Settings
from pipelines.stages import STAGES, UNITS

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

UNIT_RUNNERS: Mapping[str, Callable[[Context, Domain, Collection[str]], None]] = {
    "ingest": ingest.run,
    "learn": learn.run,
    "decide": decide.decide_unit,
    "act": decide.act_unit,
    "observe": decide.observe_unit,
}


class UnknownStageError(LookupError):
    """There is no stage of this name; the message lists those that exist."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to. failures: by domain, empty only if everything asked for is complete; status: as
    `Ledger.status` gives it afterwards."""

    domains: tuple[str, ...]
    failures: Mapping[str, str]
    status: Mapping[str, Any]
    seconds: float
    used_spark: bool


def run(
    settings: Settings, *, names: Sequence[str] = (), stages: Sequence[str] = (), as_of: datetime | None = None
) -> Outcome:
    """Run the stages (all by default) of the domains (all by default), unit by unit in the order of the way.

    A domain whose unit fails is left there, as it was last published; the others go on.
    """
    unknown = sorted(set(stages) - {stage.name for stage in STAGES})
    if unknown:
        raise UnknownStageError(f"unknown stage '{unknown[0]}'. There are: {', '.join(s.name for s in STAGES)}")
    chosen = [domain_named(name) for name in dict.fromkeys(names)] or list(domains().values())
    watch = Stopwatch()

    @cache
    def spark() -> SparkSession:
        from pipelines.io.session import session

        watch.say("", "spark", f"starting on {settings.spark.master} …")
        return session(settings)

    ledger = Ledger(settings.ledger)
    context = Context(settings, ledger, Warehouse(spark, settings.root, ledger), spark, watch.say, as_of)
    failures: dict[str, str] = {}
    for domain in chosen:
        try:
            for unit in UNITS:
                wanted = [s.name for s in STAGES if s.unit == unit and (not stages or s.name in stages)]
                if wanted:
                    UNIT_RUNNERS[unit](context, domain, wanted)
        except EXPECTED as failure:
            failures[domain.name] = str(failure)
            watch.say(domain.name, "failed", str(failure))
    return Outcome(
        tuple(domain.name for domain in chosen),
        failures,
        ledger.status(),
        watch.seconds,
        used_spark=spark.cache_info().currsize > 0,
    )
