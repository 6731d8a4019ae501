"""Record by record: whether what is published of fuzzed files is what a plain reading of the files says."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pipelines.contracts.domain import Domain
from pipelines.contracts.sources import Source
from pipelines.io.ledger import Ledger
from tests.faults import oracle
from tests.faults.fuzz import File, Written
from tests.faults.plain_reading import read

Row = Mapping[str, Any]
_TOLD = 8  # problems of one source
_LONGEST = 300  # characters of a problem


def misread(ledger: Ledger, domain: Domain, delivered: Sequence[File]) -> list[str]:
    """What is wrong, one sentence each. delivered: all files that were ever landed."""
    rows, problems = oracle.published_rows(ledger, domain), []
    for source in domain.sources:
        wrong = list(_of_source(source, domain, ledger, rows, delivered))
        problems += [problem if len(problem) <= _LONGEST else f"{problem[:_LONGEST]} …" for problem in wrong[:_TOLD]]
        if len(wrong) > _TOLD:
            problems.append(f"{source.name}: and {len(wrong) - _TOLD} more of {len(wrong)}")
    return problems


def _of_source(
    source: Source, domain: Domain, ledger: Ledger, rows: Mapping[str, Sequence[Row]], delivered: Sequence[File]
) -> Iterator[str]:
    silver = domain.delta_table("silver", source.name)
    stated = {row["_record_id"]: row for name in (silver, f"{silver}_history") for row in rows.get(name, [])}
    apart = {row["_record_id"]: row for row in rows.get(domain.delta_table("quarantine", source.name), [])}
    bronze = {(row["_file"], row["_position"]): row for row in rows[domain.delta_table("bronze", source.name)]}
    said: Counter[str] = Counter()
    keys = set()
    for file in delivered:
        for record in file.records if file.name.startswith(f"{source.name}/") else ():
            where = f"{file.name}, position {record.position}"
            kept = bronze.get((file.name, record.position))
            if kept is None:
                yield f"{where}: bronze has no record there"
                continue
            yield from (f"{where}: {told}" for told in _not_as_written(record, kept, source))
            values, reasons = ({}, []) if record.fields is None else read(record.fields, has_header=source.has_header)
            if record.fields is None or reasons:
                yield from (f"{where}: {told}" for told in _not_apart(apart.get(kept["_record_id"]), kept, reasons))
                continue
            said[_identity(values)] += 1
            keys.add(values["item_id"])
            if kept["_record_id"] in apart:
                yield f"{where}: set apart for {apart[kept['_record_id']]['_reasons']}, but it says {values}"
            elif row := stated.get(kept["_record_id"]):
                held = {name: row[name] for name in values}
                if _identity(held) != _identity(values):
                    yield f"{where}: {_differences(held, values)}"
    names = [column.name for column in domain.table(source.name).columns]
    held_now = {_identity({name: row[name] for name in names}) for row in stated.values()}
    # of records that say the same word for word one is stated, so each must be found, whichever record brought it
    yield from (f"{silver}: lost: {statement}" for statement in said.keys() - held_now)
    wanted = {"new": len(keys), "superseded": len(said) - len(keys), "duplicate": said.total() - len(said)}
    found: Counter[str] = Counter()
    for (_, table), count in oracle.outcomes(ledger, domain).items():
        found.update(count if table == silver else {})
    yield from (
        f"{silver}: {found[o]} {o}, but it must be {number}" for o, number in wanted.items() if found[o] != number
    )


def _not_as_written(record: Written, kept: Row, source: Source) -> Iterator[str]:
    """How what bronze keeps differs from what was written."""
    if record.raw is not None:
        if kept["_raw"] != record.raw:
            yield f"raw text is {kept['_raw']!r}, but it must be {record.raw!r}"
    elif record.fields is not None:
        shown = read(json.loads(kept["_raw"]), has_header=source.has_header)
        told = read(record.fields, has_header=source.has_header)
        if (_identity(shown[0]), shown[1]) != (_identity(told[0]), told[1]):
            yield f"raw text {kept['_raw']!r} says another thing than {record.fields}"
    if (record.fields is None) != (kept["_problem"] is not None):
        yield f"its problem is {kept['_problem']!r}"


def _not_apart(row: Row | None, kept: Row, reasons: Sequence[str]) -> Iterator[str]:
    """How a record that must be set apart is not. reasons: for which; none where it cannot be parsed at all."""
    if row is None:
        yield f"must be set apart ({', '.join(reasons) or 'it has no fields'}), but it is not"
        return
    if sorted(row["_reasons"]) != sorted(reasons or [f"unreadable: {kept['_problem']}"]):
        yield f"set apart for {row['_reasons']}, but it must be for {reasons or kept['_problem']}"
    for name in ("_file", "_position", "_raw"):
        if row[name] != kept[name]:
            yield f"its {name} in quarantine is {row[name]!r}, but it must be {kept[name]!r}"


def _identity(values: Row) -> str:
    """Text that tells any two values apart, −0.0 from 0.0 too."""
    return repr([_shown(values[name]) for name in sorted(values)])


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else repr(value)


def _differences(held: Row, values: Row) -> str:
    return ", ".join(
        f"{name} is {held[name]!r}, but it must be {values[name]!r}"
        for name in values
        if _shown(held[name]) != _shown(values[name])
    )
