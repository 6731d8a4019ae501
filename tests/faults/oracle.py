"""The oracle: what must hold of published tables after any fault, computed without Spark."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder
from deltalake.exceptions import DeltaError
from sqlalchemy import select

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Rolling
from pipelines.contracts.tables import OUTCOMES, Table
from pipelines.contracts.tasks import Task
from pipelines.io import ledger_schema as schema
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Pin
from pipelines.io.table_hash import table_hash

Counts = dict[tuple[str, str], dict[str, int]]
Row = Mapping[str, Any]

_OPS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "mean": statistics.fmean,
    "max": max,
    "min": min,
    "sum": sum,
}
_UNREADABLE = (DeltaError, OSError, pa.ArrowException)


@dataclass(frozen=True)
class State:
    """What readers see: a hash of each published table, and the outcomes by file and table."""

    hashes: Mapping[str, str]
    counts: Mapping[tuple[str, str], Mapping[str, int]]

    def difference(self, other: State) -> str:
        """In which tables and counts the two differ, as text; "" where they are the same."""
        tables = {name for name, _ in self.hashes.items() ^ other.hashes.items()}
        files = {*self.counts, *other.counts}
        counts = [f"outcomes of {f} in {t}" for f, t in files if self.counts.get((f, t)) != other.counts.get((f, t))]
        return ", ".join([*sorted(tables), *sorted(counts)])


def state(ledger: Ledger, domain: Domain) -> State:
    """What is published of the domain now."""
    pins = _published(ledger, domain)
    return State({pin.table: _hash(pin) for pin in pins}, outcomes(ledger, domain))


def broken(ledger: Ledger, domain: Domain, delivered: Mapping[str, int]) -> list[str]:
    """Every promise that is broken, one sentence each. delivered: how many raw records each file brought."""
    unreadable, rows = [], {}
    for pin in _published(ledger, domain):
        try:
            rows[pin.table] = _rows(pin)
        except _UNREADABLE as error:
            unreadable.append(f"{pin.table}: version {pin.version} cannot be read: {_one_line(error)}")
            continue
        if len(rows[pin.table]) != pin.rows:
            unreadable.append(f"{pin.table}: {len(rows[pin.table])} rows, but the ledger says {pin.rows}")
    if unreadable:
        return unreadable
    counts = outcomes(ledger, domain)
    problems = []
    for table in domain.tables:
        problems += _lost_or_doubled(domain, table.name, rows, counts, delivered)
    for task in domain.tasks:
        problems += _wrong_features(domain, task, rows)
    return problems


def published_rows(ledger: Ledger, domain: Domain) -> dict[str, list[dict[str, Any]]]:
    """All rows of every table that is published of the domain, by the table's name."""
    return {pin.table: _rows(pin) for pin in _published(ledger, domain)}


def outcomes(ledger: Ledger, domain: Domain) -> Counts:
    """The published outcomes that are not zero, by file and table."""
    counted = schema.outcomes.c
    query = (
        select(counted.file, counted.name, counted.outcome, counted["count"])
        .join(schema.batches, schema.batches.c.id == counted.batch)
        .where(schema.batches.c.domain == domain.name)
    )
    found: Counts = defaultdict(dict)
    with ledger.reading() as connection:
        for file, table, outcome, count in connection.execute(query):
            if count:
                found[file, table][outcome] = found[file, table].get(outcome, 0) + count
    return dict(found)


def _published(ledger: Ledger, domain: Domain) -> list[Pin]:
    return [pin for pin in ledger.pins(domain.name).values() if pin.is_published]


def _hash(pin: Pin) -> str:
    try:
        return table_hash(pin.path, pin.version)
    except _UNREADABLE as error:
        return _one_line(error)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _rows(pin: Pin) -> list[dict[str, Any]]:
    # The query engine, not to_pyarrow_table(): that one as a script's last act aborted interpreters.
    held = QueryBuilder().register("held", DeltaTable(pin.path, version=pin.version)).execute("SELECT * FROM held")
    rows: list[dict[str, Any]] = pa.table(held).to_pylist()
    return rows


def _lost_or_doubled(
    domain: Domain, name: str, rows: Mapping[str, Sequence[Row]], counts: Counts, delivered: Mapping[str, int]
) -> list[str]:
    """Records in against outcomes, file by file, by raw record id."""
    source = domain.table(name).source
    silver, bronze = domain.delta_table("silver", name), domain.delta_table("bronze", source)
    kept = rows.get(bronze, [])
    file_of = {row["_record_id"]: row["_file"] for row in kept}
    held = rows.get(silver, [])
    apart = rows.get(domain.delta_table("quarantine", name), [])
    history = rows.get(f"{silver}_history", [])
    problems = []

    def expect(number: int, wanted: int, what: str) -> None:
        if number != wanted:
            problems.append(f"{what}: {number}, but it must be {wanted}")

    expect(len(file_of), len(kept), f"{bronze}: raw record ids among its rows")
    for file in sorted({file for file in delivered if file.startswith(f"{source}/")} | set(file_of.values())):
        of_file, where = counts.get((file, silver), {}), f"{file} in {silver}"
        expect(Counter(file_of.values())[file], delivered.get(file, 0), f"{bronze}: records of {file}")
        expect(sum(of_file.get(outcome, 0) for outcome in OUTCOMES), delivered.get(file, 0), f"{where}: outcomes")
        set_apart = sum(row["_file"] == file for row in apart)
        expect(set_apart, of_file.get("quarantined", 0), f"{where}: rows in quarantine")
    total = Counter({o: sum(c.get(o, 0) for (_, t), c in counts.items() if t == silver) for o in OUTCOMES})
    expect(len(held), total["new"] - total["deleted"], f"{silver}: rows against new − deleted")
    for rows_of, table in ((held, silver), (apart, f"quarantine of {silver}"), (history, f"history of {silver}")):
        places = Counter((row["_record_id"], row["_ordinal"]) for row in rows_of)
        expect(len(places), len(rows_of), f"{table}: (raw record id, ordinal) among its rows")
        expect(sum(record not in file_of for record, _ in places), 0, f"{table}: raw record ids that bronze lacks")
    for rows_of, state in ((apart, "set apart"), (history, "in its history")):
        both = {row["_record_id"] for row in held} & {row["_record_id"] for row in rows_of}
        expect(len(both), 0, f"{silver}: records held and {state}")
    return problems


def _wrong_features(domain: Domain, task: Task, rows: Mapping[str, Sequence[Row]]) -> list[str]:
    """Rolling features at the cut-offs against a plain recomputation from silver."""
    gold = domain.delta_table("gold", task.name)
    problems = []
    for view in domain.views_of(task):
        if view.moment != "cut_off" or not view.table:
            continue
        table = domain.table(view.table)
        silver = domain.delta_table("silver", view.table)
        said = [*rows.get(silver, []), *rows.get(f"{silver}_history", [])]
        for feature in (feature for feature in view.features if isinstance(feature, Rolling) and feature.op in _OPS):
            (column,) = feature.names()
            for row in rows.get(gold, []):
                known = [
                    float(fact[feature.column])
                    for fact in _in_force(table, said, row["cut_at"])
                    if (not view.entity or fact[view.entity] == row[view.entity])
                    and row["cut_at"] - timedelta(hours=feature.hours) < fact[table.event_time] <= row["cut_at"]
                ]
                # NaN stands for null, which is right where nothing was known
                wanted = _OPS[feature.op](known) if known else math.nan
                found = math.nan if row[column] is None else row[column]
                if not (math.isclose(found, wanted, rel_tol=1e-9) or (math.isnan(found) and math.isnan(wanted))):
                    problems.append(f"{gold}: {column} at {row['cut_at']} is {found}, but silver gives {wanted}")
    return problems


def _in_force(table: Table, said: Sequence[Row], at: datetime) -> list[Row]:
    """The last word on each key of what was known at a time, unless it withdraws the key."""
    last: dict[tuple[Any, ...], Row] = {}
    for row in said:
        key = tuple(row[name] for name in table.key)
        if row["available_at"] <= at and (key not in last or _place(table, row) > _place(table, last[key])):
            last[key] = row
    return [row for row in last.values() if not row.get("_delete")]


def _place(table: Table, row: Row) -> tuple[Any, ...]:
    return (*(row[name] for name in table.order or ("_delivered_at",)), bool(row.get("_delete")))
