"""Rows in the columns that a Delta table holds, which get those that they bring besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.io.failures import WarehouseError

if TYPE_CHECKING:  # a run that finds nothing to do shall not wait for Spark's import
    from pyspark.sql import DataFrame, SparkSession


def fitted(
    spark: SparkSession, table: str, path: str, frame: DataFrame, besides: tuple[str, ...], *, may_retype: bool
) -> DataFrame:
    """`frame` in the table's columns, in their order; columns of `frame` that the table lacks are added to it.

    besides: columns of `frame` that are not the table's; they come last. WarehouseError if a type differs, unless the
    table, which must be empty then, may take the types of `frame`.
    """
    # Imported here: see above.
    from pyspark.sql import functions as F

    held = {column.name: column.dataType for column in spark.read.format("delta").load(path).schema}
    given = {column.name: column.dataType for column in frame.schema if column.name not in besides}
    conflicts = [
        f"'{name}' is held as {held[name].simpleString()}, but comes as {kind.simpleString()}"
        for name, kind in given.items()
        if name in held and held[name].simpleString() != kind.simpleString()
    ]
    if conflicts and may_retype:
        empty = frame.drop(*besides).limit(0)
        empty.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(path)
        return frame
    if conflicts:
        raise WarehouseError(f"{table}: column {'; '.join(conflicts)}; a held column keeps its type, declare a new one")
    added = {name: kind for name, kind in given.items() if name not in held}
    if added:
        columns = ", ".join(f"`{name}` {kind.simpleString()}" for name, kind in added.items())
        spark.sql(f"ALTER TABLE delta.`{path}` ADD COLUMNS ({columns})")
    return frame.select(
        *[
            F.col(f"`{name}`") if name in given else F.lit(None).cast(kind).alias(name)
            for name, kind in (held | added).items()
        ],
        *besides,
    )
