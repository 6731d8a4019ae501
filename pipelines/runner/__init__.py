"""The one room that sees stages, engines and io together: it walks the stages and holds no stage's logic."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pipelines.contracts.domain import Domain
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import Task
from pipelines.domains import domain as domain_named
from pipelines.domains import domains
from pipelines.io.failures import LeaseError
from pipelines.io.integrity import damage_named
from pipelines.io.publication import Outcomes
from pipelines.runner import act, decide, ingest, learn, observe
from pipelines.runner.failures import EXPECTED, Untold, Waiting
from pipelines.runner.work import Context, Stopwatch
from pipelines.settings import Settings, SettingsError
from pipelines.stages import STAGES, UNITS

TASK_UNITS: Mapping[str, Callable[[Context, Domain, Task, Collection[str]], None]] = {
    "learn": learn.run,
    "decide": decide.run,
    "act": act.run,
    "observe": observe.run,
}
"""The units after `ingest`, which is the domain's: each is one task's, in the order of the way."""

_TAKE_IN = ("land", "bronze", "silver")


class UnknownStageError(LookupError):
    """There is no stage of this name; the message lists those that exist."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to. failures: why, by `<domain>` or `<domain>/<task>`, empty only if everything asked for is
    complete; files: by domain, what became of the records of each file that this run took in; status: as
    `Ledger.status` gives it afterwards."""

    domains: tuple[str, ...]
    failures: Mapping[str, str]
    files: Mapping[str, Sequence[Outcomes]]
    status: Mapping[str, Any]
    seconds: float
    used_spark: bool


def run(
    settings: Settings,
    *,
    names: Sequence[str] = (),
    stages: Sequence[str] = (),
    as_of: datetime | None = None,
    is_forced: bool = False,
) -> Outcome:
    """Run the stages (all by default) of the domains (all by default), task by task in the order of the way.

    A domain whose ingest fails, or a task one of whose units fails, is left there, as it was last published; the others
    go on. Where only MLflow could not be told, the task's other units go on too. A stage that waits for another has
    failed, but not where `land` was asked for and nothing was ever delivered. is_forced: fit also what is estimated to
    take longer than conf's budget.
    """
    unknown = sorted(set(stages) - {stage.name for stage in STAGES})
    if unknown:
        raise UnknownStageError(f"unknown stage '{unknown[0]}'. There are: {', '.join(s.name for s in STAGES)}")
    for name in settings.sources:
        if name.partition(".")[0] not in domains():
            raise SettingsError(f"conf: sources: '{name}' is of no domain. There are: {', '.join(domains())}")
    chosen = in_order([domain_named(name) for name in dict.fromkeys(names)] or list(domains().values()))
    watch = Stopwatch()
    wanted = [stage for stage in STAGES if not stages or stage.name in stages]
    only_takes_in = len(chosen) == 1 and {stage.name for stage in wanted} <= set(_TAKE_IN)
    context = replace(Context.opened(settings, watch.say, as_of), is_forced=is_forced, only_takes_in=only_takes_in)
    asked = {unit: [stage.name for stage in wanted if stage.unit == unit] for unit in UNITS}
    failures: dict[str, str] = {}
    files: dict[str, Sequence[Outcomes]] = {domain.name: () for domain in chosen}
    for domain in chosen:
        for subject, failure in _worked(context, domain, asked, files):
            if isinstance(failure, Waiting) and _is_idle(context, domain, asked):
                watch.say(subject, "idle", f"nothing was ever delivered: {failure}")
            else:
                earlier = f"{failures[subject]}; " if subject in failures else ""
                failures[subject] = f"{earlier}{failure}"
                watch.say(subject, "failed", str(failure))
    return Outcome(
        tuple(domain.name for domain in chosen),
        failures,
        files,
        context.ledger.status(),
        watch.seconds,
        used_spark=context.spark.has_started,
    )


def in_order(chosen: Sequence[Domain]) -> list[Domain]:
    """A domain after those whose published tables it reads; DeclarationError where domains wait for each other."""
    by_name = {domain.name: domain for domain in chosen}
    reads = {
        domain.name: [
            name
            for name in by_name
            for source in domain.sources
            if source.table.partition(".")[2].startswith(f"{name}_")
        ]
        for domain in chosen
    }
    try:
        return [by_name[name] for name in TopologicalSorter(reads).static_order()]
    except CycleError as cycle:
        raise DeclarationError(f"domains that read each other's tables: {', '.join(cycle.args[1])}") from None


def _worked(
    context: Context, domain: Domain, asked: Mapping[str, Collection[str]], files: dict[str, Sequence[Outcomes]]
) -> Iterator[tuple[str, Exception]]:
    """Work the domain under its lease; gives what fails, by `<domain>` or `<domain>/<task>`. asked: by unit, its stages
    to be run. files: gets what became of the domain's files, of those alone that were not taken in by another run."""
    ledger = context.ledger
    try:
        with context.leased(domain) as leased:
            last = ledger.newest_attempt()
            yield from _units(leased, domain, asked)
            files[domain.name] = ledger.file_outcomes(domain.name, after=last)
    except LeaseError as failure:
        yield domain.name, failure


def _units(context: Context, domain: Domain, asked: Mapping[str, Collection[str]]) -> Iterator[tuple[str, Exception]]:
    if asked["ingest"]:
        try:
            with damage_named():
                ingest.run(context, domain, asked["ingest"])
        except EXPECTED as failure:
            yield domain.name, failure
            return
    for task in domain.tasks:
        try:
            for unit, work in TASK_UNITS.items():
                if asked[unit]:
                    try:
                        with damage_named():
                            work(context, domain, task, asked[unit])
                    except Untold as failure:
                        yield f"{domain.name}/{task.name}", failure
        except EXPECTED as failure:
            yield f"{domain.name}/{task.name}", failure
    if asked["observe"]:
        try:
            with damage_named():
                observe.watch_tables(context, domain)
        except EXPECTED as failure:
            yield domain.name, failure


def _is_idle(context: Context, domain: Domain, asked: Mapping[str, Collection[str]]) -> bool:
    """Whether the domain's drop folders were looked into, and no file was ever landed."""
    return "land" in asked["ingest"] and context.ledger.newest_delivery(domain.name) is None
