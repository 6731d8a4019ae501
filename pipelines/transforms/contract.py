"""The schema contract: what a delivery's fields are, against the declaration and against the delivery before."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.tables import Column, Table

FILES_TOLD = 3


@dataclass(frozen=True)
class Break:
    """How a file breaks the contract of a table: declared fields that it lacks, fields that nothing declares (one may
    be a missing one renamed), and columns of which no record could be read (their type is another now)."""

    file: str
    missing: tuple[str, ...]
    new: tuple[str, ...]
    retyped: tuple[str, ...]


def delivered_fields(records: DataFrame) -> DataFrame:
    """`_file`, `header`, `records`, `fields`: how many records each file has, and all fields that any of them names;
    by the `header` that names them, or all that have none.

    records: bronze rows.
    """
    header = F.col("_header") if "_header" in records.columns else F.lit(None).cast("string")
    named = F.array_distinct(F.flatten(F.collect_set(F.when(header.isNull(), F.map_keys("_fields")))))
    by_header = records.groupBy("_file", header.alias("header"))
    return by_header.agg(F.count("*").alias("records"), named.alias("fields"))


def unread(judged: DataFrame, table: Table) -> DataFrame:
    """`_file`, `unread`: columns with text in some record of the file and a value in none.

    judged: every record of a batch, with its `_reasons`.
    """
    columns = table.columns
    values = [F.count_if(F.col(column.name).isNotNull()).alias(f"value {i}") for i, column in enumerate(columns)]
    failed = [
        F.count_if(F.array_contains("_reasons", _unreadable(c))).alias(f"text {i}") for i, c in enumerate(columns)
    ]
    counted = judged.groupBy("_file").agg(*values, *failed)
    named = [
        F.when((F.col(f"value {i}") == 0) & (F.col(f"text {i}") > 0), F.lit(column.name))
        for i, column in enumerate(columns)
    ]
    return counted.select("_file", F.array_compact(F.array(*named)).alias("unread"))


def breaks(
    table: Table,
    fields: Mapping[str, Collection[str]],
    unread: Mapping[str, Collection[str]],
    known: Collection[str],
    *,
    has_header: bool,
) -> tuple[Break, ...]:
    """What breaks the table's contract, file by file; files without a single record that could be parsed break none.

    fields: that any record of a file names. unread: as `unread` finds it. known: fields that are no news.
    """
    found = []
    for file, named in sorted(fields.items()):
        missing = [column.field for column in table.columns if _is_missing(column, named, has_header)] if named else []
        retyped = sorted(unread.get(file, ()))
        if missing or retyped:
            new = tuple(sorted(set(named) - set(known)))
            found.append(Break(file, tuple(dict.fromkeys(missing)), new, tuple(retyped)))
    return tuple(found)


def told(found: Sequence[Break], table: Table) -> str:
    """The breaks in one line; files that break it alike are told together."""
    types = {column.name: column.type for column in table.columns}
    alike: dict[tuple[str, ...], list[str]] = {}
    for of in found:
        alike.setdefault(tuple(_differences(of, types)), []).append(of.file)
    return "; ".join(f"{_files(files)}: {', '.join(differences)}" for differences, files in alike.items())


def difference(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """What changed between two sets of columns with their types: `added`, `removed`, `retyped`, those that apply."""
    changes = {
        "added": {name: kind for name, kind in after.items() if name not in before},
        "removed": {name: kind for name, kind in before.items() if name not in after},
        "retyped": {
            name: f"{before[name]} to {kind}" for name, kind in after.items() if before.get(name, kind) != kind
        },
    }
    return {what: names for what, names in changes.items() if names}


def _is_missing(column: Column, named: Collection[str], has_header: bool) -> bool:
    if column.optional or (column.nullable and not has_header):
        return False
    return not set(column.fields) & set(named)


def _differences(of: Break, types: Mapping[str, str]) -> Iterator[str]:
    if of.missing:
        yield f"lacks {', '.join(of.missing)}"
    if of.missing and of.new:
        yield f"has {', '.join(of.new)} instead"
    if of.retyped:
        yield f"no record has a readable {', '.join(f'{name} ({types[name]})' for name in of.retyped)}"


def _files(names: Sequence[str]) -> str:
    more = f" and {len(names) - FILES_TOLD} more files" if len(names) > FILES_TOLD else ""
    return ", ".join(names[:FILES_TOLD]) + more


def _unreadable(column: Column) -> str:
    return f"unreadable: {column.field}"
