"""Columns that change: a held table becomes as declared, a source's fields are told and kept on record."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.contracts.deliveries import Brought
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.records import header_names
from pipelines.contracts.tables import VALID_TO, Table
from pipelines.io.ledger_schemas import columns_now
from pipelines.io.publication import Batch, SchemaChange
from pipelines.runner.work import Work

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

TEXT = "string"
"""The type of every raw field."""


@dataclass(frozen=True)
class Arrived:
    """What a batch brought of one source. records: how many each file has; fields: that any record of it names; known:
    fields that are no news; headers: of records that have fields, None among them if such a record has none."""

    records: Mapping[str, int]
    fields: Mapping[str, Collection[str]]
    known: Collection[str]
    headers: Sequence[str | None]


def evolve(work: Work, batch: Batch | None = None) -> None:
    """Widen and extend the typed tables whose declaration is another than when they were last written.

    batch: that is about to be refined; without one, only tables that are on record are looked at.
    """
    with work.context.ledger.reading() as c:
        recorded = columns_now(c, work.domain.name)
    for table in work.domain.tables:
        name, declared = work.domain.delta_table("silver", table.name), _declared(table)
        before = recorded.get(name)
        if before == declared or (batch is None and (before is None or not work.exists(name))):
            continue
        from pipelines.transforms.contract import difference

        if work.exists(name):
            _evolve(work, table, name)
        change = difference(before or {}, declared)
        work.open()
        work.add("schemas", SchemaChange(name, batch.id if batch else None, change, declared))
        if before is not None:
            for what, columns in change.items():
                work.say("silver", f"{table.name}: {what} columns: {', '.join(columns)}")


def arrived(work: Work, batch: Batch, source: str, brought: Sequence[Brought] | None) -> Arrived:
    """What the batch brought of a source, its fields compared with those on record.

    brought: None where another run kept the files; then it is counted."""
    records = {file.name: 0 for file in batch.files if file.source == source}
    fields: dict[str, set[str]] = {}
    lines = _counted(work, batch, source) if brought is None else brought
    for line in lines:
        records[line.file] += line.records
        names = line.fields if line.header is None else header_names(line.header)
        fields.setdefault(line.file, set()).update(names)
    named = sorted({line.header for line in lines if line.header is not None})
    has_unnamed = any(line.header is None and line.fields for line in lines)
    headers = [*named, None] if has_unnamed else named
    return Arrived(records, fields, _delivered(work, batch, source, fields), headers)


def _counted(work: Work, batch: Batch, source: str) -> list[Brought]:
    from pipelines.transforms.contract import delivered_fields

    name = work.domain.delta_table("bronze", source)
    if not work.exists(name):
        return []
    lines = delivered_fields(work.read_of(name, "_batch", batch.id)).collect()
    return [Brought(line["_file"], line["header"], line["records"], frozenset(line["fields"])) for line in lines]


def _delivered(work: Work, batch: Batch, source: str, fields: Mapping[str, Collection[str]]) -> Collection[str]:
    """Keep on record which fields the source delivers, and tell of new ones; the fields that are no news.

    fields: by file, those that any of its records names.
    """
    from pipelines.transforms.contract import difference

    name = work.domain.delta_table("bronze", source)
    with work.context.ledger.reading() as c:
        before = columns_now(c, work.domain.name).get(name)
    declared = {
        field for table in work.domain.tables if table.source == source for c in table.columns for field in c.fields
    }
    named = {field: TEXT for of_file in fields.values() for field in sorted(of_file)}
    if named and named != before:
        change = difference(before or {}, named)
        work.add("schemas", SchemaChange(name, batch.id, change, named))
        for field in sorted(change.get("added", {})) if before is not None else ():
            first = next(file for file, of_file in sorted(fields.items()) if field in of_file)
            use = "" if field in declared else "; kept in bronze, declare a Column to use it"
            work.say("silver", f"{source}: new field '{field}' since {first}{use}")
        for field in sorted(change.get("removed", {})):
            work.say("silver", f"{source}: field '{field}' is not delivered any more")
    return declared | set(before or named)


def _declared(table: Table) -> dict[str, str]:
    columns = {column.name: column.type for column in table.columns}
    return columns | ({VALID_TO: columns[table.valid_from]} if table.valid_from else {})


def _evolve(work: Work, table: Table, name: str) -> None:
    """Rewrite the table and its history in the types declared now, as a step of this attempt."""
    from pipelines.stages.changes import Change
    from pipelines.transforms.evolution import evolution, evolved, losses

    held = work.read(name)
    widened, added = evolution(table, held.schema, _types(work, table))
    if not widened and not added:
        return
    doubtful = losses(held, widened)
    lost = {column: count for column, count in doubtful.collect()[0].asDict().items() if count} if doubtful else {}
    if lost:
        told = ", ".join(f"{column} {count:,}" for column, count in lost.items())
        raise DeclarationError(
            f"{table.name}: held as bigint, declared double, which cannot hold the values of so many rows: {told}. "
            "Declare decimal(19,0)"
        )
    for each in (name, f"{name}_history"):
        if work.exists(each):
            frame = evolved(work.read(each), widened, added)
            if widened:  # types are never altered in place: other readers could not open the table any more
                work.write(Change(each, "overwrite", frame, step="widen"))
            else:
                work.write(Change(each, "append", frame.limit(0), step="widen"))
    if added:
        work.say("silver", f"{table.name}: {', '.join(added)} added, null in the {work.count(name):,} rows held so far")


def _types(work: Work, table: Table) -> dict[str, str]:
    """The types that the table's columns have by declaration and conversion."""
    from pipelines.stages.silver import refine

    records: DataFrame = work.read(work.domain.delta_table("bronze", table.source))
    rows = refine(records, table, has_header=False)
    return {column.name: rows.schema[column.name].dataType.simpleString() for column in table.columns}
