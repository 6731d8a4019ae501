"""What was set apart, read without a JVM at the versions that the ledger pins."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipelines.contracts.records import fields_of
from pipelines.io import delta_log
from pipelines.io.ledger import Ledger
from pipelines.io.ledger_movements import apart_by_file
from pipelines.io.publication import Apart, LandedFile, Pin

STATES = ("open", "replayed", "discarded")
_MOVED = {"_state": "open", "_moved_as": "", "_moved_why": ""}  # what they are in rows from before the columns were
_LINE = "chr(10)"


@dataclass(frozen=True)
class Wanted:
    """Which entries of a quarantine are meant; what is left empty does not restrict.

    rule: an expectation's name, or a reason up to one of its colons ("unreadable", "unreadable: amount"). records: ids.
    """

    rule: str = ""
    file: str = ""
    state: str = ""
    records: tuple[str, ...] = ()


@dataclass(frozen=True)
class Counted:
    """How many entries of a file a rule has set apart, by what became of them. One with two rules counts for both."""

    rule: str
    file: str
    open: int
    replayed: int
    discarded: int


@dataclass(frozen=True)
class Entry:
    """One record (or one of the rows derived from it, by ordinal) that a table has set apart. position: line of a text
    file, else row. moved_as: the outcome it got by replay, moved_why: why it was discarded; "" without."""

    record: str
    ordinal: int
    file: str
    position: int
    batch: int
    delivered_at: datetime
    reasons: tuple[str, ...]
    state: str
    moved_as: str
    moved_why: str

    @property
    def rules(self) -> tuple[str, ...]:
        """The reasons without the words that a parser adds."""
        return tuple(dict.fromkeys(rule_of(reason) for reason in self.reasons))


@dataclass(frozen=True)
class RawRecord:
    """A record as bronze keeps it. fields: text by name, empty if it could not be parsed."""

    record: str
    file: str
    position: int
    raw: str
    fields: Mapping[str, str | None]


def rule_of(reason: str) -> str:
    """What a reason is counted under: the first two of its parts."""
    return ": ".join(reason.split(": ")[:2])


def counts(pin: Pin, wanted: Wanted) -> list[Counted]:
    """Every rule and file of a quarantine with the number of its entries, most open ones first."""
    states = ", ".join(f"sum(CASE WHEN _state = '{state}' THEN 1 ELSE 0 END) AS {state}" for state in STATES)
    rules = f"SELECT _file, _state, substr_index(unnest(_reasons), ': ', 2) AS rule FROM ({_entries(pin, wanted)})"
    rows = _query(
        pin, f"SELECT rule, _file AS file, {states} FROM ({rules}) GROUP BY rule, _file ORDER BY open DESC, rule, _file"
    )
    found = [Counted(**row) for row in rows]
    return [of for of in found if not wanted.rule or _is_of(of.rule, wanted.rule)]


def number(pin: Pin, wanted: Wanted) -> int:
    """How many entries there are."""
    return int(_query(pin, f"SELECT count(*) AS entries FROM ({_entries(pin, wanted)})")[0]["entries"])


def entries(pin: Pin, wanted: Wanted, limit: int) -> list[Entry]:
    """Entries in the order of delivery and place, at most `limit` of them."""
    order = "_delivered_at, _file, _position, _ordinal"
    rows = _query(pin, f"SELECT * FROM ({_entries(pin, wanted)}) ORDER BY {order} LIMIT {limit:d}")
    return [
        Entry(
            row["_record_id"],
            row["_ordinal"],
            row["_file"],
            row["_position"],
            row["_batch"],
            row["_delivered_at"].astimezone(UTC),
            tuple(row["_reasons"]),
            row["_state"],
            row["_moved_as"],
            row["_moved_why"],
        )
        for row in rows
    ]


def records_like(pin: Pin, prefix: str, limit: int) -> list[str]:
    """The ids of set-apart records that begin with `prefix`, at most `limit` of them."""
    found = f"SELECT DISTINCT _record_id FROM held WHERE starts_with(_record_id, {_text(prefix)})"
    return [row["_record_id"] for row in _query(pin, f"{found} ORDER BY _record_id LIMIT {limit:d}")]


def rules(pin: Pin) -> list[str]:
    """All rules that have set anything apart."""
    found = "SELECT DISTINCT substr_index(reason, ': ', 2) AS rule FROM (SELECT unnest(_reasons) AS reason FROM held)"
    return [row["rule"] for row in _query(pin, f"{found} ORDER BY rule")]


def files(pin: Pin) -> list[str]:
    """All files of which something was set apart."""
    return [row["_file"] for row in _query(pin, "SELECT DISTINCT _file FROM held ORDER BY _file")]


def raw_record(bronze: Pin, record: str) -> RawRecord:
    """The record as it came."""
    (row,) = _query(bronze, f"SELECT * FROM held WHERE _record_id = {_text(record)}")
    is_packed = row["_fields"] is None and row.get("_header") is not None
    plain = row["_raw"] if row.get("_plain") is None else row["_plain"]
    fields = fields_of(plain, row["_header"]) if is_packed else dict(row["_fields"] or ())
    return RawRecord(row["_record_id"], row["_file"], row["_position"], row["_raw"], fields)


def landed_files(ledger: Ledger, domain: str, batches: Collection[int]) -> dict[tuple[int, str], LandedFile]:
    """The landed files of the domain's batches, by (batch, name)."""
    return {(number, file.name): file for number in batches for file in ledger.batch(domain, number).files}


def apart(ledger: Ledger, domain: str) -> dict[tuple[int, str, str], Apart]:
    """What stands apart of each (batch, file, table) by the ledger's counts."""
    with ledger.reading() as c:
        return apart_by_file(c, domain)


def _entries(pin: Pin, wanted: Wanted) -> str:
    """SQL for the entries that are wanted, with what became of each."""
    has = delta_log.columns(pin.path, pin.version)
    moved = [
        f"coalesce({name}, '{default}') AS {name}" if name in has else f"'{default}' AS {name}"
        for name, default in _MOVED.items()
    ]
    kept = "_record_id, _ordinal, _file, _position, _batch, _delivered_at, _reasons"
    conditions = ["true"]
    if wanted.rule:
        listed = f"concat({_LINE}, array_to_string(_reasons, {_LINE}), {_LINE})"
        starts = f"concat({_LINE}, {_text(wanted.rule)}"
        conditions.append(f"(strpos({listed}, {starts}, {_LINE})) > 0 OR strpos({listed}, {starts}, ':')) > 0)")
    if wanted.file:
        conditions.append(f"_file = {_text(wanted.file)}")
    if wanted.state:
        conditions.append(f"_state = {_text(wanted.state)}")
    if wanted.records:
        conditions.append(f"_record_id IN ({', '.join(map(_text, wanted.records))})")
    return f"SELECT * FROM (SELECT {kept}, {', '.join(moved)} FROM held) WHERE {' AND '.join(conditions)}"


def _is_of(reason: str, rule: str) -> bool:
    return reason == rule or reason.startswith(f"{rule}:")


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _query(pin: Pin, sql: str) -> list[dict[str, Any]]:
    """The rows that SQL gives over the pinned version, which it calls `held`."""
    # Imported here: a command that only asks the ledger must not wait for them. The query engine, and not
    # to_pyarrow_table(), which as a script's last act aborted interpreters.
    import pyarrow as pa
    from deltalake import QueryBuilder

    delta_log.must_hold(pin.path, pin.version, pin.rows)
    delta_log.whole_files(pin.table, pin.path, pin.version)
    found = QueryBuilder().register("held", delta_log.opened(pin.path, pin.version)).execute(sql)
    rows: list[dict[str, Any]] = pa.table(found).to_pylist()
    return rows
