"""Silver of any domain, drawn at random as its declaration allows."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Category
from pipelines.contracts.tables import Table

START, DAYS, EVERY = datetime(2024, 3, 1, tzinfo=UTC), 20, timedelta(hours=2)
AS_OF = START + timedelta(days=DAYS)


def silver(spark: SparkSession, domain: Domain, table: Table) -> DataFrame:
    """A silver table as any declaration allows it: some rows late, some missing, some values null if they may be.

    Where a name alone is the key, rows are numbered, alike in all tables; else there are the entities A and B.
    """
    draw = random.Random(f"{domain.name}/{table.name}")
    entities = [name for name in table.key if name != table.event_time and type_of(table, name) == "string"]
    rows = []
    for n in range(DAYS * 12):
        at = START + n * EVERY
        for entity in ("A", "B") if entities else ("",):
            if draw.random() < 0.1:
                continue
            row: dict[str, Any] = {}
            for column in table.columns:
                if column.name == table.event_time:
                    row[column.name] = at
                elif column.name in entities:
                    row[column.name] = f"{entity}{n}" if table.key == (column.name,) else entity
                elif column.nullable and draw.random() < 0.3:
                    row[column.name] = None
                else:
                    row[column.name] = drawn(draw, column.type, at, texts(domain, column.name))
            rows.append((*row.values(), at))
    types = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    held = spark.createDataFrame(rows, f"{types}, _at timestamp")
    known = F.expr(table.available_at or "_at + interval 1 day")
    return held.withColumns({"available_at": known, "_delivered_at": known}).drop("_at")


def texts(domain: Domain, column: str) -> tuple[str, ...]:
    """Texts of a column: names of rows where a table is keyed by it, else the two entities and a listed value."""
    if any(table.key == (column,) for table in domain.tables):
        return tuple(f"{entity}{n}" for entity in "AB" for n in range(0, DAYS * 12, 5))
    features = [feature for view in domain.views for feature in view.features]
    listed = [f.among[0] for f in features if isinstance(f, Category) and f.column == column]
    return ("A", "B", *listed)


def type_of(table: Table, column: str) -> str:
    return next(c.type for c in table.columns if c.name == column)


def drawn(draw: random.Random, kind: str, at: datetime, among: tuple[str, ...]) -> Any:
    values: dict[str, Callable[[], Any]] = {
        "string": lambda: draw.choice(among),
        "double": lambda: draw.uniform(1000.0, 9000.0),
        "int": lambda: draw.randrange(2),
        "boolean": lambda: draw.random() < 0.5,
        "timestamp": lambda: at + timedelta(hours=draw.uniform(-48.0, 48.0)),
    }
    return values[kind]()


def others(table: Table) -> dict[str, Column]:
    """Other values for a row's numbers and texts."""
    other = {"double": 1e9, "int": 99, "string": "A"}
    return {
        c.name: F.lit(other[c.type]).cast(c.type) for c in table.columns if c.name not in table.key and c.type in other
    }


def corrected(rows: DataFrame, table: Table) -> tuple[DataFrame, DataFrame]:
    """The rows in force and the history after a fourth was said anew 30 hours later, with other values, and a ninth was
    withdrawn then. Where rows have an `_attempt`, that of the news is 2."""
    later = F.col("available_at") + F.expr("interval 30 hours")
    stamp = {"_attempt": F.lit(2)} if "_attempt" in rows.columns else {}
    news = rows.withColumns({"available_at": later, "_delivered_at": later} | others(table) | stamp)
    place = F.pmod(F.xxhash64(F.lit("anew"), *table.key), F.lit(36))
    is_other, is_withdrawn = place < 9, (place >= 9) & (place < 13)
    held = rows.where(~is_other & ~is_withdrawn).unionByName(news.where(is_other))
    withdrawals = news.where(is_withdrawn).withColumn("_delete", F.lit(True))
    return held, rows.where(is_other | is_withdrawn).withColumn("_delete", F.lit(False)).unionByName(withdrawals)
