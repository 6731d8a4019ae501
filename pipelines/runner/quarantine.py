"""What was set apart, as a person reads it: counts, entries, and one record with every table's verdict."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from pipelines.contracts.domain import Domain
from pipelines.contracts.tables import OUTCOMES, Table
from pipelines.domains import domain as domain_named
from pipelines.domains import domains
from pipelines.io import quarantine
from pipelines.io.failures import UnknownNameError
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Pin
from pipelines.io.quarantine import Entry, Wanted
from pipelines.runner.masking import Shown, shown
from pipelines.runner.replay import Replayed, discard, replay
from pipelines.runner.report import table_text
from pipelines.runner.work import Context, Stopwatch
from pipelines.settings import Settings

Fed = tuple[Domain, Table]
_READING = ("unreadable", "empty", "field missing")  # reasons that need no expectation
_SAME_START = 6  # ids that are shown where the beginning of one fits several


def tables_meant(domain: str, table: str) -> list[Fed]:
    """The declared tables that a user means: of a domain or of all, of a name such as load, energy_load or
    quarantine.energy_load, or all."""
    chosen = [domain_named(domain)] if domain else list(domains().values())
    fed = [(of, each) for of in chosen for each in of.tables]
    if not table:
        return fed
    short = table.rpartition(".")[2]
    found = [(of, each) for of, each in fed if short in (each.name, f"{of.name}_{each.name}")]
    if not found:
        known = [f"{of.name}_{each.name}" for of, each in fed]
        raise UnknownNameError(f"unknown table '{table}'. {_suggestion(short, known)}")
    return found


def table_meant(domain: str, table: str) -> Fed:
    """The one table of this name."""
    found = tables_meant(domain, table)
    if len(found) > 1:
        names = ", ".join(f"{of.name}_{each.name}" for of, each in found)
        raise UnknownNameError(f"'{table}' is the name of several tables: {names}. Say which, or give --domain")
    return found[0]


def counts_text(ledger: Ledger, fed: Sequence[Fed], wanted: Wanted, limit: int) -> str:
    """By table, rule and file: how many entries are open, how many were replayed or discarded."""
    pins = {name: pin for name, pin in ledger.pins().items() if pin.is_published}
    must_be_known(ledger, fed, wanted)
    counted = [
        (f"{domain.name}_{table.name}", line)
        for domain, table in fed
        if (pin := pins.get(domain.delta_table("quarantine", table.name)))
        for line in quarantine.counts(pin, wanted)
    ]
    if not counted:
        return "nothing is in quarantine" if wanted == Wanted() else "nothing in quarantine matches"
    rows = [
        [name, line.rule, line.file, *[f"{getattr(line, state):,}" for state in quarantine.STATES]]
        for name, line in counted[:limit]
    ]
    lines = ["in quarantine, by table, rule and file; a record that breaks two rules stands in two lines"]
    lines += table_text(["table", "rule", "file", *quarantine.STATES], rows, left=3)
    lines += _more(len(counted), limit, "lines")
    return "\n".join([*lines, f"Next: headrace quarantine list --table {counted[0][0]}"])


def entries_text(ledger: Ledger, of: Fed, wanted: Wanted, limit: int) -> str:
    """One line an entry: record id, file, position, rules, when it was delivered; what became of it if not open."""
    domain, table = of
    name = f"{domain.name}_{table.name}"
    must_be_known(ledger, [of], wanted)
    pin = _pin(ledger, of)
    number = quarantine.number(pin, wanted) if pin else 0
    which = wanted.state or "set-apart"
    if pin is None or not number:
        return f"{name}: no {which} record{' matches' if wanted.rule or wanted.file else ''}"
    found = quarantine.entries(pin, wanted, limit)
    rows = [
        [
            entry.record,
            entry.file,
            f"{entry.position}",
            "; ".join(entry.rules),
            f"{entry.delivered_at:%Y-%m-%d}",
            "" if entry.state == "open" else _state(entry),
        ]
        for entry in found
    ]
    lines = [f"{name}: {number:,} {which} records"]
    lines += table_text(["record", "file", "position", "rules", "delivered", "state"], rows, left=6)
    lines += _more(number, limit, "records")
    return "\n".join([*lines, f"Next: headrace quarantine show {found[0].record}"])


def record_text(ledger: Ledger, domain: str, prefix: str) -> str:
    """Everything about one record that was set apart: its place, its raw text, its fields, and each table's verdict."""
    of, record = record_meant(ledger, tables_meant(domain, ""), prefix)
    found = {
        table.name: quarantine.entries(pin, Wanted(records=(record,)), limit=1_000)
        for table in of.tables
        if (pin := _pin(ledger, (of, table)))
    }
    verdicts = {of.table(name): entries for name, entries in found.items() if entries}
    first = next(iter(verdicts.values()))[0]
    source = of.source(next(iter(verdicts)).source)
    bronze = ledger.pins()[of.delta_table("bronze", source.name)]
    kept = quarantine.raw_record(bronze, record)
    seen = shown(of, source, kept.raw, kept.fields)
    lines = [
        f"record {record} of {of.name}",
        f"  file       {first.file}, position {first.position}",
        f"  delivered  {first.delivered_at:%Y-%m-%d %H:%M} UTC, batch {first.batch}",
        *_raw_lines(seen),
        *_field_lines(seen),
    ]
    for table in of.tables:
        if table.source == source.name:
            lines += _verdict(of, table, verdicts.get(table, []), seen)
    opened = [table for table, entries in verdicts.items() if any(entry.state == "open" for entry in entries)]
    for table in opened[:1]:
        option = f"--table {of.name}_{table.name}"
        lines.append(f"Next: mend the rule or the parser, then: headrace quarantine replay {option} {record}")
        lines.append(f"      or, if it is not wanted: headrace quarantine discard {record} --why TEXT")
    return "\n".join(lines)


def replayed_text(of: Fed, came_to: Replayed, *, is_trial: bool) -> str:
    """What a replay came to, and what to do next."""
    domain, table = of
    name = f"{domain.name}_{table.name}"
    if not (came_to.moved or came_to.stay or came_to.lost):
        return f"{name}: no open record matches; nothing to replay"
    became = ", ".join(f"{came_to.became[kind]:,} {kind}" for kind in OUTCOMES if came_to.became.get(kind))
    verb = "would leave" if is_trial else "left"
    lines = [f"{name}: {came_to.moved:,} {verb} the quarantine{f': {became}' if became else ''}"]
    if came_to.stay:
        causes = ", ".join(f"{reason} {count:,}" for reason, count in sorted(came_to.still.items()))
        lines.append(f"{name}: {came_to.stay:,} stay open, as they still break: {causes}")
    if came_to.lost:
        lines.append(f"{name}: {came_to.lost:,} stay open: the file as it is read now has no record at their place")
    if is_trial:
        lines.append("Nothing was written. Next: the same without --dry-run")
    elif came_to.moved:
        lines.append(f"Next: headrace run --domain {domain.name} (gold is made of silver as it was)")
    return "\n".join(lines)


def replay_as_asked(
    settings: Settings, domain: str, table: str, rule: str, file: str, records: Sequence[str], *, is_trial: bool
) -> str:
    """Replay what a user asks for, under the domain's lease, and tell what it came to; records: ids or beginnings."""
    of, fed = table_meant(domain, table)
    context = Context.opened(settings, Stopwatch().say)
    must_be_known(context.ledger, [(of, fed)], Wanted(rule, file))
    named = tuple(record_meant(context.ledger, [(of, fed)], record)[1] for record in records)
    with context.leased(of) as leased:
        came_to = replay(leased, of, fed, Wanted(rule, file, records=named), is_trial=is_trial)
    return replayed_text((of, fed), came_to, is_trial=is_trial)


def discard_as_asked(settings: Settings, domain: str, table: str, records: Sequence[str], why: str) -> str:
    """Discard records for each table that has them open, under their domain's lease; records: ids or beginnings."""
    fed = [table_meant(domain, table)] if table else tables_meant(domain, "")
    context = Context.opened(settings, Stopwatch().say)
    meant = [record_meant(context.ledger, fed, record) for record in records]
    lines = []
    for of in {of.name: of for of, _ in meant}.values():
        named = tuple(record for name, record in meant if name == of)
        with context.leased(of) as leased:
            for other, each in fed:
                count = discard(leased, of, each, named, why) if other == of else 0
                if count:
                    lines.append(f"{of.name}_{each.name}: {count:,} discarded: {why}")
    return "\n".join(lines) or "nothing to discard: none of these records is open"


def record_meant(ledger: Ledger, fed: Sequence[Fed], prefix: str) -> tuple[Domain, str]:
    """The one set-apart record whose id begins so, and its domain."""
    found = {
        (of.name, record)
        for of, table in fed
        if (pin := _pin(ledger, (of, table)))
        for record in quarantine.records_like(pin, prefix, _SAME_START)
    }
    exact = {(name, record) for name, record in found if record == prefix}
    found = exact or found
    if not found:
        raise UnknownNameError(f"no record '{prefix}' was set apart. See: headrace quarantine list")
    if len(found) > 1:
        shown_ids = ", ".join(f"{record} ({name})" for name, record in sorted(found)[:_SAME_START])
        raise UnknownNameError(f"several records begin with '{prefix}': {shown_ids}. Give more of it, or --domain")
    ((name, record),) = found
    return domain_named(name), record


def must_be_known(ledger: Ledger, fed: Sequence[Fed], wanted: Wanted) -> None:
    """UnknownNameError unless the rule and the file that are wanted can have set something apart."""
    pins = [pin for of in fed if (pin := _pin(ledger, of))]
    if wanted.rule:
        declared = {e.name for _, table in fed for e in table.expect if e.severity == "quarantine"}
        known = {*declared, "available_at_is_known", *_READING}
        known |= {rule for pin in pins for rule in quarantine.rules(pin)}
        if wanted.rule not in known:
            raise UnknownNameError(f"unknown rule '{wanted.rule}'. {_suggestion(wanted.rule, sorted(known))}")
    if wanted.file:
        apart = {file for pin in pins for file in quarantine.files(pin)}
        landed = {name for of, _ in fed for name in ledger.known_hashes(of.name).values()}
        if wanted.file not in apart | landed:
            raise UnknownNameError(f"unknown file '{wanted.file}'. {_suggestion(wanted.file, sorted(apart))}")


def _pin(ledger: Ledger, of: Fed) -> Pin | None:
    """Where the quarantine of a table is; None if nothing was ever set apart."""
    domain, table = of
    pin = ledger.pins(domain.name).get(domain.delta_table("quarantine", table.name))
    return pin if pin and pin.is_published else None


def _suggestion(name: str, known: Sequence[str]) -> str:
    close = get_close_matches(name, known, n=1)
    listed = f"There are: {', '.join(known)}" if known else "There is none yet"
    return f"Did you mean '{close[0]}'? {listed}" if close else listed


def _more(number: int, limit: int, what: str) -> Iterator[str]:
    if number > limit:
        yield f"  … {number - limit:,} more {what}; --limit {number} shows all"


def _state(entry: Entry) -> str:
    if entry.state == "replayed":
        return f"replayed: {entry.moved_as}"
    return f"discarded: {entry.moved_why}" if entry.moved_why else entry.state


def _raw_lines(seen: Shown) -> Iterator[str]:
    first, *others = seen.raw.splitlines() or [""]
    yield f"  raw text   {first}"
    yield from (f"             {line}" for line in others)
    if seen.why:
        yield f"             (masked, letters as x and digits as 0: {seen.why})"


def _field_lines(seen: Shown) -> Iterator[str]:
    if not seen.fields:
        yield "  fields     none, it could not be parsed"
        return
    width = max(len(name) for name in seen.fields)
    for number, (name, value) in enumerate(seen.fields.items()):
        label = "fields" if number == 0 else ""
        yield f"  {label:<9}  {name.ljust(width)}  {'null' if value is None else value}".rstrip()


def _verdict(domain: Domain, table: Table, entries: Sequence[Entry], seen: Shown) -> Iterator[str]:
    if not entries:
        yield f"  {domain.name}_{table.name}: not set apart"
    holds = {expectation.name: expectation.holds for expectation in table.row_rules}
    for entry in entries:
        row = f", row {entry.ordinal} of the record" if entry.ordinal else ""
        yield f"  {domain.name}_{table.name}: {_state(entry)}{row}"
        for reason in entry.reasons:
            rule = f" ({holds[reason]})" if reason in holds else ""
            yield f"             {seen.masked(reason)}{rule}"
