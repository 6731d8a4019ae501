"""Nothing that happened or became known after t changes what gold, or an example, says of a cut-off up to t."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.tables import Table
from pipelines.contracts.tasks import Task
from pipelines.domains import domains
from pipelines.stages.gold import cut_offs, known, series, series_tables
from pipelines.stages.train import frame
from pipelines.transforms.examples import LABEL, examples
from tests.toy_domains.mill.domain import DOMAIN as MILL

DOMAINS = [*[domain for domain in domains().values() if domain.tasks], MILL]
START, DAYS, EVERY = datetime(2024, 3, 1, tzinfo=UTC), 20, timedelta(hours=2)
CHANGED_AT = START + timedelta(days=16)
AS_OF = START + timedelta(days=DAYS)
Gold = dict[str, pa.Table]


def silver(spark: SparkSession, domain: Domain, table: Table) -> DataFrame:
    """A silver table as any declaration allows it: some rows late, some missing, some values null if they may be."""
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
                    row[column.name] = entity
                elif column.nullable and draw.random() < 0.3:
                    row[column.name] = None
                else:
                    row[column.name] = drawn(draw, column.type, at)
            rows.append(row)
    types = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    held = spark.createDataFrame([tuple(row.values()) for row in rows], types)
    known = F.expr(table.available_at or f"{table.event_time} + interval 1 day")
    return held.withColumns({"available_at": known, "_delivered_at": known})


def type_of(table: Table, column: str) -> str:
    return next(c.type for c in table.columns if c.name == column)


def drawn(draw: random.Random, kind: str, at: datetime) -> Any:
    values: dict[str, Callable[[], Any]] = {
        "string": lambda: draw.choice("xyz"),
        "double": lambda: draw.uniform(1000.0, 9000.0),
        "int": lambda: draw.randrange(2),
        "boolean": lambda: draw.random() < 0.5,
        "timestamp": lambda: at + timedelta(hours=draw.uniform(-48.0, 48.0)),
    }
    return values[kind]()


def others(table: Table) -> dict[str, Column]:
    """Other values for the numbers of a row."""
    return {
        c.name: F.lit(1e9 if c.type == "double" else 99).cast(c.type)
        for c in table.columns
        if c.name not in table.key and c.type in ("double", "int")
    }


def poisoned(rows: DataFrame, table: Table, is_future: Column) -> DataFrame:
    """The same but for the future: a third of it is gone, a third has other values, a third has other values told of
    half an hour later; and past events are told of that nobody knew of."""
    past, future = rows.where(~is_future), rows.where(is_future)
    third = F.pmod(F.xxhash64(*table.key), F.lit(3))
    at, told = table.event_time, "available_at"
    other = others(table)
    minutes = F.lit(timedelta(minutes=30))
    news = {told: F.lit(CHANGED_AT + timedelta(microseconds=1))} | other
    parts = [
        past,
        future.where(third == 1).withColumns(other),
        future.where(third == 2).withColumns({at: F.col(at) + minutes, told: F.col(told) + minutes} | other),
        past.withColumns({at: F.col(at) - minutes} | news),
        past.limit(1).withColumns({at: F.lit(START - timedelta(days=30))} | news),
    ]
    return reduce(DataFrame.unionByName, parts).coalesce(2)


def cut_offs_made_of(domain: Domain, task: Task, held: dict[str, DataFrame]) -> pa.Table:
    cuts = cut_offs(domain, task, held, AS_OF).toArrow()
    until = pa.scalar(CHANGED_AT, pa.timestamp("us", tz="UTC"))
    cuts = cuts.filter(pc.less_equal(cuts["cut_at"], until))
    return cuts.sort_by([(task.spine.entity, "ascending"), ("cut_at", "ascending")])


def made_of(domain: Domain, rows: dict[str, DataFrame], history: dict[str, DataFrame] | None = None) -> Gold:
    """Gold and, as `examples <task>`, what models see of it; both up to CHANGED_AT and without labels."""
    made: Gold = {}
    held = known(domain, rows, history or {})
    for task in domain.tasks:
        tables = series_tables(domain, task)
        made[task.name] = cut_offs_made_of(domain, task, held)
        lines = {
            domain.delta_table("gold", f"{t}_series"): series(domain, domain.table(t), held[t]).toArrow()
            for t in tables
        }
        made[f"examples {task.name}"] = examples(made[task.name], lines, frame(domain, task)).drop([LABEL])
    return made


@pytest.fixture(scope="module", params=DOMAINS, ids=lambda domain: domain.name)
def worlds(request, spark):
    """A domain, its silver, and its gold."""
    domain = request.param
    held = {table.name: silver(spark, domain, table).coalesce(2).localCheckpoint() for table in domain.tables}
    return domain, held, made_of(domain, held)


def changed(domain: Domain, held: dict[str, DataFrame], is_future: Callable[[Table], Column]) -> dict[str, DataFrame]:
    return {name: poisoned(held[name], domain.table(name), is_future(domain.table(name))) for name in held}


def is_told_later(_: Table) -> Column:
    return F.col("available_at") > F.lit(CHANGED_AT)


def is_later(table: Table) -> Column:
    return is_told_later(table) | (F.col(table.event_time) > F.lit(CHANGED_AT))


def test_what_is_told_after_t_leaves_gold_and_examples_at_t_bit_for_bit(worlds):
    domain, held, gold = worlds
    after = made_of(domain, changed(domain, held, is_told_later))
    for name, part in gold.items():
        assert len(part) > 20 and all(part.column(i).null_count < len(part) for i in range(part.num_columns)), name
        assert after[name].equals(part), name


def test_what_happens_after_t_leaves_gold_at_t_although_it_was_told_before(worlds):
    domain, held, gold = worlds
    poison = known(domain, changed(domain, held, is_later), {})
    for task in domain.tasks:
        assert cut_offs_made_of(domain, task, poison).equals(gold[task.name]), task.name


def test_a_planted_leak_is_caught(worlds):
    """The same poison, where every fact claims to have been known since ever."""
    domain, held, _ = worlds
    leaky = [
        made_of(domain, {name: rows.withColumn("available_at", F.lit(START)) for name, rows in world.items()})
        for world in (held, changed(domain, held, is_told_later))
    ]
    assert not any(leaky[0][name].equals(leaky[1][name]) for name in leaky[0])


def test_a_correction_told_after_t_leaves_gold_and_examples_at_t(worlds):
    """Every row is said anew after t: with other values, or withdrawn; what it said before lies in the history."""
    domain, held, gold = worlds
    corrected, history = {}, {}
    for name, rows in held.items():
        table = domain.table(name)
        told = F.greatest("available_at", F.lit(CHANGED_AT)) + F.expr("interval 1 hour")
        news = rows.withColumns({"available_at": told, "_delivered_at": told} | others(table))
        is_withdrawn = F.pmod(F.xxhash64(*table.key), F.lit(3)) == 0
        corrected[name] = news.where(~is_withdrawn)
        withdrawals = news.where(is_withdrawn).withColumn("_delete", F.lit(True))
        history[name] = rows.withColumn("_delete", F.lit(False)).unionByName(withdrawals)
    after = made_of(domain, corrected, history)
    for name, part in gold.items():
        assert after[name].equals(part), name
