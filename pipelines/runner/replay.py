"""The unit replay: what stands apart in a quarantine is judged once more, or discarded, and accounted for."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.contracts.domain import Domain
from pipelines.contracts.records import Parser
from pipelines.contracts.tables import Table
from pipelines.domains import parser as parser_of
from pipelines.io import quarantine
from pipelines.io.failures import LedgerError
from pipelines.io.publication import Movements
from pipelines.io.quarantine import Wanted
from pipelines.runner.checks import checked_again
from pipelines.runner.intake import raw_file
from pipelines.runner.schemas import evolve
from pipelines.runner.work import Context, Work
from pipelines.stages.refusal import Refused

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from pipelines.stages.replay import Replay

UNIT = "replay"
ENTRIES = "entries"


@dataclass(frozen=True)
class Replayed:
    """What a replay came to. moved: so many entries left the quarantine; became: what their rows are, by outcome (a
    record that no parser understood may have become several rows). stay: entries that are still open; still: how many,
    by the reason that holds now. lost: those whose record is not found as the file is read now; they stay, too.
    """

    moved: int = 0
    became: dict[str, int] = field(default_factory=dict)
    still: dict[str, int] = field(default_factory=dict)
    stay: int = 0
    lost: int = 0


def replay(context: Context, domain: Domain, table: Table, wanted: Wanted, *, is_trial: bool = False) -> Replayed:
    """Judge the open entries that are wanted by the declaration as it stands, and publish what now passes.

    Their files are read again from the landing zone, so a mended source, parser or rule counts alike. One attempt moves
    rows into silver and marks their entries. is_trial: says what would happen, and writes nothing. Raises Refused where
    a promise of severity `fail` would be broken.
    """
    work = Work(context, domain, UNIT)
    if not is_trial:
        evolve(work)
    entries = _open_entries(work, table, wanted, begins=not is_trial)
    if entries is None:
        return Replayed()
    from pipelines.stages.replay import replay as judge_again
    from pipelines.transforms.tally import summed

    name = domain.delta_table("silver", table.name)
    parser = parser_of(domain, table.source)
    entries.persist()
    found = judge_again(
        domain,
        table,
        entries,
        _read_again(work, table, entries, parser),
        work.read_placed_if_any(name),
        work.read_if_any(f"{name}_history"),
        has_header=domain.source(table.source).has_header and parser is None,
        attempt=0 if is_trial else work.attempt.number,
        ingested_at=datetime.now(UTC),
    )
    found.again.told.persist()
    try:
        came_to = _came_to(found, entries.count())
        if came_to.moved and not is_trial:
            shares = (found.again.rows, found.again.history)
            shared = work.share_out(found.again.shared(shares), shares, found.again.count)
            lines = summed(shared.counted).lines
            newest = max(row["_delivered_at"] for row in entries.select("_delivered_at").collect())
            if refusal := checked_again(work, found.again, lines, newest.astimezone(UTC)):
                shared.drop()
                raise Refused(f"the replay is refused: {refusal}. Nothing was moved; correct the rule or the parser")
            work.keep(shared)
            work.write(found.quarantine())
            for (batch, file), moved in sorted(_moved(found).items()):
                work.add("movements", Movements(batch, file, name, replayed=moved.pop(ENTRIES), counts=dict(moved)))
            _publish(work, table)
    finally:
        found.again.told.unpersist()
        entries.unpersist()
    return came_to


def _came_to(found: Replay, asked: int) -> Replayed:
    from pipelines.transforms.tally import cause

    lines = found.outcomes().collect()
    became: Counter[str] = Counter()
    for line in lines:
        became[line["outcome"]] += line["records"]
    stay = became.pop("quarantined", 0)
    moved = sum(line["entries"] for line in lines if line["outcome"] != "quarantined")
    still: Counter[str] = Counter()
    for line in found.again.reasons().groupBy("reason").count().collect():
        still[cause(line["reason"])] += line["count"]
    return Replayed(moved, dict(became), dict(still), stay, asked - stay - moved)


def _moved(found: Replay) -> dict[tuple[int, str], Counter[str]]:
    """By batch and file: how many entries leave (under ENTRIES), and what their rows become."""
    moved: dict[tuple[int, str], Counter[str]] = defaultdict(Counter)
    for line in found.outcomes().where("outcome <> 'quarantined'").collect():
        moved[line["_batch"], line["_file"]].update({ENTRIES: line["entries"], line["outcome"]: line["records"]})
    return moved


def discard(context: Context, domain: Domain, table: Table, records: tuple[str, ...], why: str) -> int:
    """Mark the open entries of these records as not wanted; returns how many there were."""
    work = Work(context, domain, UNIT)
    entries = _open_entries(work, table, Wanted(records=records), begins=True)
    if entries is None:
        return 0
    from pipelines.stages.replay import discard as mark

    counts = {
        (row["_batch"], row["_file"]): row["count"] for row in entries.groupBy("_batch", "_file").count().collect()
    }
    work.write(mark(domain, table, entries, why, attempt=work.attempt.number))
    name = domain.delta_table("silver", table.name)
    work.add("movements", *[Movements(*of, name, discarded=count) for of, count in sorted(counts.items())])
    _publish(work, table)
    return sum(counts.values())


def _open_entries(work: Work, table: Table, wanted: Wanted, *, begins: bool) -> DataFrame | None:
    """The open entries that are wanted; None if there are none, which is found out without Spark."""
    name = work.domain.delta_table("quarantine", table.name)
    pin = work.context.ledger.pins().get(name)
    if pin is None or not pin.is_published or not quarantine.number(pin, replace(wanted, state="open")):
        return None
    from pipelines.stages.replay import open_entries

    if begins:
        work.open()  # from here on all is read at the attempt's pins
    return open_entries(work.read(name), wanted.rule, wanted.file, wanted.records)


def _read_again(work: Work, table: Table, entries: DataFrame, parser: Parser | None) -> DataFrame:
    """All records of the entries' files, by the source's declaration and its parser as they stand."""
    # Imported here: where there is nothing to replay, no command waits for Spark.
    from pipelines.io.records import records
    from pipelines.transforms.derived import derived
    from pipelines.transforms.fields import unpacked

    places = {(row["_batch"], row["_file"]) for row in entries.select("_batch", "_file").distinct().collect()}
    landed = quarantine.landed_files(work.context.ledger, work.domain.name, {batch for batch, _ in places})
    source = work.domain.source(table.source)
    found = unpacked(records(work.context.spark(), [raw_file(source, landed[place]) for place in sorted(places)]))
    return derived(found, parser) if parser else found


def _publish(work: Work, table: Table) -> None:
    """Publish, if the quarantine then holds as many open entries as the ledger's counts say."""
    name = work.domain.delta_table("quarantine", table.name)
    written = replace(work.attempt.pins[name], version=work.version(name))
    silver = work.domain.delta_table("silver", table.name)
    counted = quarantine.apart(work.context.ledger, work.domain.name)
    opened = sum(apart.open for (_, _, of), apart in counted.items() if of == silver)
    leave = sum(of.replayed + of.discarded for of in work.added("movements"))
    held = quarantine.number(written, Wanted(state="open"))
    if held != opened - leave:
        raise LedgerError(f"{name}: {held} open, but {opened} less {leave} by the ledger; nothing is published")
    work.publish()
