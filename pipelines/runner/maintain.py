"""Maintenance of published tables: small files become few large ones, and files that no kept version needs go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pipelines.contracts.domain import Domain
from pipelines.domains import domain as domain_named
from pipelines.domains import domains
from pipelines.io import delta_log
from pipelines.io.integrity import damage_named
from pipelines.io.layout import Layout, layout
from pipelines.io.ledger_models import versions_of_models
from pipelines.io.publication import Pin
from pipelines.io.vacuum import surplus, vacuum
from pipelines.runner.failures import EXPECTED
from pipelines.runner.report import table_text
from pipelines.runner.work import Context, Stopwatch, Work, fingerprint
from pipelines.settings import Settings

MANY = 8
"""From so many small files on a table is compacted, if that leaves half of them at most."""


@dataclass(frozen=True)
class Upkeep:
    """What was done for a table, or would be. files: that hold its pinned version, before and after; removed, bytes:
    files that were deleted and what they took; kept: how many versions can still be read."""

    table: str
    before: int
    after: int
    removed: int
    bytes: int
    kept: int


@dataclass(frozen=True)
class Outcome:
    """failures: why, by domain; empty only if all that was asked for is done. used_spark: whether there was work."""

    upkeep: tuple[Upkeep, ...]
    failures: dict[str, str]
    seconds: float
    used_spark: bool


def maintain(settings: Settings, names: Sequence[str], as_of: datetime | None) -> Outcome:
    """Tend every published table of the domains (all by default), each domain under its lease.

    as_of: the instant from which the age of versions is counted; by default each table's newest commit. Safe to repeat
    and to kill: a compaction is published by the ledger or not at all, and the files that go are needed by nobody.
    """

    def tended(context: Context, domain: Domain) -> Iterator[Upkeep]:
        with context.leased(domain) as leased:
            for pin in _published(leased, domain):
                yield _tend(leased, domain, pin)

    return _over(settings, names, as_of, tended)


def rehearse(settings: Settings, names: Sequence[str], as_of: datetime | None) -> Outcome:
    """What `maintain` would do, without doing it; files that a compaction replaces are not counted."""

    def looked_at(context: Context, domain: Domain) -> Iterator[Upkeep]:
        for pin in _published(context, domain):
            yield _seen(context, domain, pin)

    return _over(settings, names, as_of, looked_at)


def summary(outcome: Outcome) -> str:
    """One line a table for a person to read; where there was no work, only how many tables are tidy."""
    if not (outcome.upkeep or outcome.failures):
        return "nothing is published yet. Next: headrace run"
    busy = [of for of in outcome.upkeep if of.before != of.after or of.removed]
    rows = [
        [of.table, f"{of.before:,}", f"{of.after:,}", f"{of.removed:,}", f"{of.bytes / 1e6:,.1f}", f"{of.kept:,}"]
        for of in busy
    ]
    head = ["table", "files before", "after", "deleted", "MB freed", "versions kept"]
    tidy = f"{len(outcome.upkeep) - len(busy)} of {len(outcome.upkeep)} tables are tidy"
    effort = "" if outcome.used_spark else ", without starting Spark"
    return "\n".join([*(table_text(head, rows) if rows else ()), f"{tidy}; {outcome.seconds:.1f} s in all{effort}"])


def _over(
    settings: Settings,
    names: Sequence[str],
    as_of: datetime | None,
    work: Callable[[Context, Domain], Iterator[Upkeep]],
) -> Outcome:
    chosen = [domain_named(name) for name in dict.fromkeys(names)] or list(domains().values())
    watch = Stopwatch()
    context = Context.opened(settings, watch.say, as_of)
    done: list[Upkeep] = []
    failures: dict[str, str] = {}
    for domain in chosen:
        try:
            with damage_named():
                done.extend(work(context, domain))
        except EXPECTED as failure:
            failures[domain.name] = str(failure)
            watch.say(domain.name, "failed", str(failure))
    return Outcome(tuple(done), failures, watch.seconds, context.spark.has_started)


def _published(context: Context, domain: Domain) -> list[Pin]:
    return [pin for pin in context.ledger.pins(domain.name).values() if pin.is_published]


def _tend(context: Context, domain: Domain, pin: Pin) -> Upkeep:
    """Compact the table if it lies in many small files, then delete what is surplus."""
    work = _work(context, domain)
    seen = _seen(context, domain, pin)
    if _is_due(context, domain, pin):
        wanted = _layout(domain, pin)
        context.warehouse.compact(work.attempt, pin.table, wanted)
        work.mark_done("maintain", pin.table, fingerprint(wanted.by))
        work.publish()
        pin = context.ledger.pins(domain.name)[pin.table]
        seen = replace(seen, after=len(delta_log.sizes(pin.path, pin.version)))
        work.say("maintain", f"{pin.table}: {seen.before:,} files are {seen.after:,} now")
    gone = vacuum(pin.table, pin.path, _wanted(context, pin), _keep(context), context.as_of)
    if gone.files:
        work.say("maintain", f"{pin.table}: {len(gone.files):,} files deleted, {gone.bytes / 1e6:,.1f} MB")
    return replace(seen, removed=len(gone.files), bytes=gone.bytes, kept=len(gone.kept))


def _seen(context: Context, domain: Domain, pin: Pin) -> Upkeep:
    """What there is to do for the table, from its log alone."""
    sizes = delta_log.sizes(pin.path, pin.version)
    after = len(sizes)
    if _is_due(context, domain, pin):
        wanted = _layout(domain, pin)
        together = sizes if wanted.by else [size for size in sizes if size < wanted.small_bytes]
        after += wanted.packed(together) - len(together)
    found = surplus(pin.path, _wanted(context, pin), _keep(context), context.as_of)
    return Upkeep(pin.table, len(sizes), after, len(found.files), found.bytes, len(found.kept))


def _is_due(context: Context, domain: Domain, pin: Pin) -> bool:
    """Whether the table lies in many small files, or not yet as the declaration wants it."""
    sizes, wanted = delta_log.sizes(pin.path, pin.version), _layout(domain, pin)
    small = [size for size in sizes if size < wanted.small_bytes]
    if len(small) >= MANY and wanted.packed(small) * 2 <= len(small):
        return True
    is_laid_out = _work(context, domain).is_done("maintain", pin.table, fingerprint(wanted.by))
    return len(sizes) > 1 and wanted.by != () and not is_laid_out


def _work(context: Context, domain: Domain) -> Work:
    return Work(context, domain, "maintain")


def _layout(domain: Domain, pin: Pin) -> Layout:
    """How the declaration wants the table; a table's history is laid out as the table is."""
    by: tuple[str, ...] = ()
    for table in domain.tables:
        name = domain.delta_table("silver", table.name)
        if table.cluster and pin.table in (name, f"{name}_history"):
            held = delta_log.columns(pin.path, pin.version)
            by = tuple(column for column in table.cluster if column in held)
    return layout(delta_log.sizes(pin.path, pin.version), by)


def _wanted(context: Context, pin: Pin) -> set[int]:
    """The versions that are kept whatever their age."""
    with context.ledger.reading() as c:
        return {pin.version, pin.base, *versions_of_models(c).get(pin.table, ())}


def _keep(context: Context) -> timedelta:
    return timedelta(days=context.settings.maintain.keep_days)
