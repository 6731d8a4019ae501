"""Nothing that happened or became known after t changes what gold, or an example, says of a cut-off up to t."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial, reduce

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, FeatureView
from pipelines.contracts.records import Compute
from pipelines.contracts.tables import Table
from pipelines.contracts.tasks import ByHash, Events, Task
from pipelines.domains import computed, domains
from pipelines.stages.gold import cut_offs, known, series, series_tables
from pipelines.stages.train import frame
from pipelines.transforms.examples import LABEL, examples
from tests.drawn_silver import AS_OF, START, others, silver
from tests.toy_domains.mill.domain import DOMAIN as MILL
from tests.toy_domains.mill.features import levels as mill_levels

DOMAINS = [*domains().values(), MILL]
TIMELESS = [(domain, task) for domain in DOMAINS for task in domain.tasks if isinstance(task.split, ByHash)]
CHANGED_AT = START + timedelta(days=16)
Gold = dict[str, pa.Table]


def poisoned(rows: DataFrame, table: Table, is_future: Column) -> DataFrame:
    """The same but for the future: a third of it is gone, a third has other values, a third has other values told of
    half an hour later; and past events are told of that nobody knew of."""
    past, future = rows.where(~is_future), rows.where(is_future)
    third = F.pmod(F.xxhash64(*table.key), F.lit(3))
    other = others(table)

    def moved(by: Column) -> dict[str, Column]:
        return {table.event_time: by} if table.event_time else {}

    minutes = F.lit(timedelta(minutes=30))
    # a key without time would stay the same: another row is another name
    names = {} if table.event_time in table.key else {name: F.concat(name, F.lit("'")) for name in table.key}
    news = {"available_at": F.lit(CHANGED_AT + timedelta(microseconds=1))} | other | names
    at = F.col(table.event_time or "available_at")
    parts = [
        past,
        future.where(third == 1).withColumns(other),
        future.where(third == 2).withColumns(
            moved(at + minutes) | {"available_at": F.col("available_at") + minutes} | other
        ),
        past.withColumns(moved(at - minutes) | news),
        past.limit(1).withColumns(moved(F.lit(START - timedelta(days=30))) | news),
    ]
    return reduce(DataFrame.unionByName, parts).coalesce(2)


def computed_of(domain: Domain) -> dict[str, Compute]:
    return {"levels": mill_levels} if domain is MILL else computed(domain)


def asked(domain: Domain) -> list[Task]:
    """Tasks with time, one of those that ask the same of the same views."""
    timed = [task for task in domain.tasks if not isinstance(task.split, ByHash)]
    return list({(task.spine, task.views): task for task in timed}.values())


def cut_offs_made_of(domain: Domain, task: Task, held: dict[str, DataFrame]) -> pa.Table:
    cuts = cut_offs(domain, task, held, AS_OF).toArrow()
    until = pa.scalar(CHANGED_AT, pa.timestamp("us", tz="UTC"))
    cuts = cuts.filter(pc.less_equal(cuts["cut_at"], until))
    return cuts.sort_by([(task.spine.entity, "ascending"), ("cut_at", "ascending")])


def made_of(domain: Domain, rows: dict[str, DataFrame], history: dict[str, DataFrame] | None = None) -> Gold:
    """Gold and, as `examples <task>`, what models see of it; both up to CHANGED_AT and without labels."""
    made: Gold = {}
    held = known(domain, rows, history or {}, computed=computed_of(domain))
    for task in asked(domain):
        tables = series_tables(domain, task)
        made[task.name] = cut_offs_made_of(domain, task, held)
        lines = {
            domain.delta_table("gold", f"{t}_series"): series(domain, domain.table(t), held[t]).toArrow()
            for t in tables
        }
        seen = examples(made[task.name], lines, frame(domain, task))
        assert pc.count(pc.list_flatten(seen[LABEL])).as_py() > 20, "too few answers to be an example of anything"
        made[f"examples {task.name}"] = seen.drop([LABEL])
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


def is_later(domain: Domain, table: Table) -> Column:
    """What is planned is asked about before it happens: events of a spine are later if they are asked about later."""
    if not table.event_time:
        return is_told_later(table)
    spines = [task.spine for task in domain.tasks if task.spine.table == table.name]
    lead = max([spine.lead for spine in spines if isinstance(spine, Events)], default=timedelta(0))
    return is_told_later(table) | (F.col(table.event_time) > F.lit(CHANGED_AT + lead))


def test_what_is_told_after_t_leaves_gold_and_examples_at_t_bit_for_bit(worlds):
    domain, held, gold = worlds
    after = made_of(domain, changed(domain, held, is_told_later))
    for name, part in gold.items():
        assert len(part) > 20 and all(part.column(i).null_count < len(part) for i in range(part.num_columns)), name
        assert after[name].equals(part), name


def test_what_happens_after_t_leaves_gold_at_t_although_it_was_told_before(worlds):
    domain, held, gold = worlds
    poison = known(domain, changed(domain, held, partial(is_later, domain)), {}, computed=computed_of(domain))
    for task in asked(domain):
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


@pytest.mark.parametrize(("domain", "task"), TIMELESS, ids=lambda part: part.name)
def test_a_task_without_time_sees_neither_the_table_nor_the_column_of_its_answer(domain, task):
    """There is no time for an answer to leak through, so it must not be there at all."""
    views = domain.views_of(task)
    assert task.table != task.spine.table and task.table not in [view.table for view in views]
    assert task.column not in [
        feature.column for view in views for feature in view.features if hasattr(feature, "column")
    ]


def test_the_departures_delay_is_not_known_when_a_leg_is_asked_about(spark):
    """The obvious leak of logistics: who knows how late a leg departs knows how late it arrives. It is not known by
    then; and where arrivals say neither when they happened nor when they were known, the comparison above tells."""
    logistics = domains()["logistics"]
    departure = FeatureView(
        "departure",
        table="arrivals",
        entity="leg_id",
        features=(AsOf("departure_delay_min", ttl_hours=float("inf")),),
    )
    task = replace(logistics.task("is_late"), views=("departure",))
    honest = replace(logistics, views=(departure,), tasks=(task,))
    tables = {table.name: silver(spark, honest, table).localCheckpoint() for table in honest.tables}
    worlds = tables, changed(honest, tables, is_told_later)
    found = cut_offs_made_of(honest, task, known(honest, tables, {}))
    assert len(found) > 300 and found["departure_delay_min__as_of"].null_count == len(found)

    undated = tuple(replace(table, event_time="") if table.name == "arrivals" else table for table in honest.tables)
    leaky = replace(honest, tables=undated)
    seen = []
    for world in worlds:
        claimed = world["arrivals"].withColumn("available_at", F.lit(START - timedelta(days=1)))
        seen.append(cut_offs_made_of(leaky, task, known(leaky, tables | {"arrivals": claimed}, {})))
    assert seen[0]["departure_delay_min__as_of"].null_count < len(found)
    assert not seen[0].equals(seen[1])
