"""Rows in the columns that a Delta table holds, which get those that they bring besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.io import delta_commits, table_files
from pipelines.io.failures import WarehouseError

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for Spark's import
    from pyspark.sql import DataFrame


def fitted(
    table: str, path: str, frame: DataFrame, besides: tuple[str, ...], stamp: str, *, may_retype: bool
) -> DataFrame:
    """`frame` in the table's columns, in their order; columns of `frame` that the table lacks are added to it.

    besides: columns of `frame` that are not the table's; they come last. stamp: of the commit that adds columns.
    WarehouseError if a type differs, unless the table, which must be empty then, may take the types of `frame`.
    """
    # Imported here: see above.
    from pyspark.sql import functions as F

    held = {column.name: column.dataType for column in table_files.columns(path)}
    given = {column.name: column.dataType for column in frame.schema if column.name not in besides}
    conflicts = [
        f"'{name}' is held as {held[name].simpleString()}, but comes as {kind.simpleString()}"
        for name, kind in given.items()
        if name in held and held[name].simpleString() != kind.simpleString()
    ]
    if conflicts and may_retype:
        delta_commits.retype(path, table_files.schema_of(frame.drop(*besides)), stamp)
        return frame
    if conflicts:
        raise WarehouseError(f"{table}: column {'; '.join(conflicts)}; a held column keeps its type, declare a new one")
    added = {name: kind for name, kind in given.items() if name not in held}
    if added:
        brought = frame.select(*[F.col(f"`{name}`") for name in added])
        delta_commits.add_columns(table, path, table_files.schema_of(brought), stamp)
    return frame.select(
        *[
            F.col(f"`{name}`") if name in given else F.lit(None).cast(kind).alias(name)
            for name, kind in (held | added).items()
        ],
        *besides,
    )
