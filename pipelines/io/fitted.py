"""The columns of a Delta table and those of the rows that go there, which may bring more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.io import delta_commits, table_files
from pipelines.io.failures import WarehouseError

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for Spark's import
    from pyspark.sql import DataFrame
    from pyspark.sql.types import DataType, StructType


def fit(table: str, path: str, columns: StructType, stamp: str, *, may_retype: bool) -> dict[str, DataType]:
    """Add what the table lacks of the columns of rows that are to go there; all that it has then, in order.

    stamp: of the commit that adds columns. WarehouseError if a type differs, unless the table, which must be empty
    then, may take those of the rows.
    """
    # Imported here: see above.
    from pyspark.sql.types import StructType

    held = {column.name: column.dataType for column in table_files.columns(path)}
    given = {column.name: column.dataType for column in columns}
    conflicts = [
        f"'{name}' is held as {held[name].simpleString()}, but comes as {kind.simpleString()}"
        for name, kind in given.items()
        if name in held and held[name].simpleString() != kind.simpleString()
    ]
    if conflicts and may_retype:
        delta_commits.retype(path, table_files.schema_of(columns), stamp)
        return given
    if conflicts:
        raise WarehouseError(f"{table}: column {'; '.join(conflicts)}; a held column keeps its type, declare a new one")
    added = [column for column in columns if column.name not in held]
    if added:
        delta_commits.add_columns(table, path, table_files.schema_of(StructType(added)), stamp)
    return held | {column.name: column.dataType for column in added}


def fitted(
    table: str, path: str, frame: DataFrame, besides: tuple[str, ...], stamp: str, *, may_retype: bool
) -> DataFrame:
    """`frame` in the table's columns, in their order, once they `fit` its own.

    besides: columns of `frame` that are not the table's; they come last.
    """
    # Imported here: see above.
    from pyspark.sql import functions as F
    from pyspark.sql.types import StructType

    given = StructType([column for column in frame.schema if column.name not in besides])
    columns = fit(table, path, given, stamp, may_retype=may_retype)
    return frame.select(
        *[
            F.col(f"`{name}`") if name in given.names else F.lit(None).cast(kind).alias(name)
            for name, kind in columns.items()
        ],
        *besides,
    )
