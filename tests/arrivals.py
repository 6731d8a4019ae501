"""Statements that come batch after batch to one typed table, and what is held of them at the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.shares import HELD_FILE, HELD_ROW
from pipelines.contracts.tables import Table
from pipelines.stages.silver import silver


def arrive(
    spark: SparkSession, domain: Domain, table: Table, columns: str, batches: Sequence[Sequence[tuple[Any, ...]]]
) -> tuple[DataFrame, DataFrame]:
    """The rows in force and the history, after these batches have come one after the other.

    columns: DDL of the table's columns, with `available_at` and `_delete`; batches: rows of them.
    """
    held = history = None
    for number, batch in enumerate(batches):
        given = spark.createDataFrame(list(batch), columns).withColumns(
            {
                "_record_id": F.concat_ws("/", F.lit(number), F.monotonically_increasing_id()),
                "_ordinal": F.lit(0),
                "_file": F.lit(f"f{number}"),
                "_position": F.monotonically_increasing_id(),
                "_raw": F.lit(""),
                "_delivered_at": F.col("available_at"),
                "_is_good": F.lit(True),
                "_reasons": F.array().cast("array<string>"),
            }
        )
        came = datetime(2026, 1, 1, tzinfo=UTC)
        found = silver(domain, table, given, held, history, batch=number, attempt=number, ingested_at=came)
        told = found.shared((found.rows, found.history)).localCheckpoint()
        key = list(table.version_key)
        now = told.where(found.rows.where).select(*found.rows.columns)
        assert now.groupBy(*key).count().where("count > 1").isEmpty()
        if held is not None:
            went = told.where(found.rows.goes).select(HELD_ROW)
            stay = held.join(went, HELD_ROW, "left_anti").drop(HELD_FILE, HELD_ROW)
            now = now.unionByName(stay)
        past = told.where(found.history.where).select(*found.history.columns)
        history = (past if history is None else history.unionByName(past)).localCheckpoint()
        place = {HELD_FILE: F.lit("part"), HELD_ROW: F.monotonically_increasing_id()}
        held = now.localCheckpoint().withColumns(place).localCheckpoint()
    assert held is not None and history is not None
    return held.drop(HELD_FILE, HELD_ROW), history
