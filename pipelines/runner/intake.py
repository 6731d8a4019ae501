"""The first half of the unit ingest: dropped files through landing into bronze."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.contracts.deliveries import Brought
from pipelines.contracts.domain import Domain
from pipelines.contracts.sources import Source
from pipelines.domains import embedded_files
from pipelines.io import landing
from pipelines.io.drop_folders import lying_in
from pipelines.io.drops import READ_AT_ONCE, Drop
from pipelines.io.places import Place
from pipelines.io.publication import Batch, LandedFile
from pipelines.io.published import drop_published
from pipelines.runner.work import Context, Work
from pipelines.stages import land as land_stage

if TYPE_CHECKING:
    from pipelines.io.new_files import NewFile
    from pipelines.io.records import RawFile


def land(context: Context, domain: Domain, begin: Callable[[int], None]) -> tuple[str, ...]:
    """Keep every new file byte for byte, and freeze them as one batch; returns why others cannot be landed.

    begin: is told how many bytes are new, before they are kept.
    """
    folder = context.settings.drops / domain.name
    if context.settings.samples and not landing.has_embedded(folder):
        context.say(domain.name, "land", "dropping the embedded records as raw files")
        landing.drop_embedded(folder, embedded_files(domain))
    drop_tables(context, domain, folder)
    known = context.ledger.known_hashes(domain.name)
    drop = look(context, domain, folder)
    plan = land_stage.plan(drop.files, known, context.as_of)
    undated = [f"{name}: no date (YYYY-MM-DD) in the name. Rename it, or give --as-of" for name in plan.undated]
    left_out = (*drop.unreadable, *undated)
    for name, landed_as in plan.repeats:
        context.say(domain.name, "land", f"{name}: the same content was landed as {landed_as}; left out")
    for name, number in drop.left_alone.items():
        asked = domain.source(name).files
        context.say(domain.name, "land", f"{name}: {number} files left alone, as only '{asked}' are declared")
    if plan.later:
        context.say(
            domain.name, "land", f"{len(plan.later)} files are delivered after the as-of instant; left for later"
        )
    if not plan.new:
        if left_out:
            return left_out
        where = ", ".join(source.name for source in domain.sources)
        told = "no new file" if known else f"no file at all: put raw files into {folder} ({where})"
        context.say(domain.name, "land", told)
        return ()
    begin(sum(file.size for file, _ in plan.new))
    zone = context.folder("landing") / domain.name
    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        kept = pool.map(lambda new: str(landing.archive(new[0], zone)), plan.new)
        files = [
            LandedFile(file.source, file.name, path, file.size, file.sha256, delivered_at)
            for (file, delivered_at), path in zip(plan.new, kept, strict=True)
        ]
    batch = context.ledger.open_batch(domain.name, files)
    megabytes = sum(file.size for file in files) / 1e6
    context.say(domain.name, "land", f"batch {batch}: {len(files)} files, {megabytes:.1f} MB")
    for file in files:
        if not file.size:
            context.say(domain.name, "land", f"{file.name}: the file is empty")
    return left_out


def look(context: Context, domain: Domain, folder: Path) -> Drop:
    """What lies in the drop folder of each source, or where conf says that its files lie."""
    places = {source.name: Place(str(folder / source.name)) for source in domain.sources}
    elsewhere = context.settings.sources_of(domain.name)
    for name, location in elsewhere.items():
        if name not in places or domain.source(name).table:
            files = ", ".join(source.name for source in domain.sources if not source.table)
            raise landing.LandingError(f"conf: sources: '{domain.name}.{name}' has no files. Those that do: {files}")
        places[name] = Place.of(location)
        if not places[name].is_remote and not Path(places[name].base).exists():
            raise landing.LandingError(f"conf: sources: {domain.name}.{name}: there is no {places[name].base}")
    return Drop.of(_lying_in(context, domain, source, places[source.name]) for source in domain.sources)


def _lying_in(context: Context, domain: Domain, source: Source, place: Place) -> Drop:
    zone = context.folder("landing") / domain.name
    if not place.is_remote:
        return lying_in(source, place, zone)
    from pipelines.io.drop_stores import fetched  # its library is not waited for where nothing is remote

    return fetched(source, place, zone)


def drop_tables(context: Context, domain: Domain, folder: Path) -> None:
    """Drop what other domains have published since, where this domain has it as a source."""
    pins = context.ledger.pins()
    for source in domain.sources:
        pin = pins.get(source.table)
        delivered_at = context.ledger.newest_delivery(pin.domain) if pin and pin.is_published else None
        if pin and delivered_at:
            drop_published(pin, folder / source.name, delivered_at)
        elif source.table:
            context.say(domain.name, "land", f"{source.name} waits for {source.table}, which is not published yet")


def bronze(work: Work, batch: Batch) -> Mapping[str, Sequence[Brought]]:
    """Append every record of the batch as it came; by source, what its files brought."""
    brought = {}
    for source in work.domain.sources:
        files = [raw_file(source, file) for file in batch.files if file.source == source.name]
        if files:
            brought[source.name] = _keep(work, batch, source, files)
            work.say("bronze", f"{source.name}: {len(files)} files kept")
    work.add("progress", (batch.id, "bronze"))
    return brought


def _keep(work: Work, batch: Batch, source: Source, files: list[RawFile]) -> Sequence[Brought]:
    # Imported only where there is work: a run without any must not wait for Arrow
    from pipelines.io import records
    from pipelines.stages.bronze import keep

    spark = work.context.spark
    stamped = partial(keep, batch=batch.id, attempt=work.attempt.number, ingested_at=datetime.now(UTC))
    brought: list[Brought] = []

    def write(folder: str) -> Sequence[NewFile]:
        if spark.is_brief:  # that is done here before Spark is up, and would wait for workers then
            with ThreadPoolExecutor(1) as here:
                kept = here.submit(records.keep_here, files, folder, stamped)
                spark()
            written, counted = kept.result()
        else:
            written, counted = records.keep(spark(), files, folder, stamped)
        brought.extend(counted)
        return written

    work.add_files(work.domain.delta_table("bronze", source.name), records.kept_schema(stamped), write)
    return brought


def raw_file(source: Source, file: LandedFile) -> RawFile:
    """A landed file with what the source's declaration says about reading it; LandingError if it is gone."""
    from pipelines.io.records import RawFile

    if not Path(file.path).is_file():
        raise landing.LandingError(
            f"{file.path}: the landed file of {file.name} is gone, so it cannot be read; bring it back, then run again"
        )
    delivered_us = int(file.delivered_at.timestamp() * 1_000_000)
    return RawFile(file.name, file.path, file.sha256, source, delivered_us)
