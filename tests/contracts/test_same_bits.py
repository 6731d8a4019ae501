"""Every feature of every domain has the same bits whether gold is made as a whole, or a single row is asked about."""

from __future__ import annotations

import random
from datetime import timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.records import Compute
from pipelines.contracts.tasks import Events, Task
from pipelines.domains import computed, domains
from pipelines.stages.gold import cut_offs, known
from pipelines.stages.renewal import all_said
from pipelines.stages.single import features_at
from tests.drawn_silver import AS_OF, START, corrected, silver
from tests.kept_up import kept_up
from tests.toy_domains.mill.domain import DOMAIN as MILL
from tests.toy_domains.mill.features import levels

ROWS = 150
TASKS = [(domain, task) for domain in (*domains().values(), MILL) for task in domain.tasks]


def alone(domain: Domain, task: Task) -> list[pytest.MarkDecorator]:
    """What sees the same features as a task before it adds little to it."""
    before = domain.tasks[: domain.tasks.index(task)]
    return [pytest.mark.slow] if (task.spine, task.views) in [(other.spine, other.views) for other in before] else []


EACH_TASK = pytest.mark.parametrize(
    ("domain", "task"), [pytest.param(*of, marks=alone(*of), id=f"{of[0].name}-{of[1].name}") for of in TASKS]
)


def computed_of(domain: Domain) -> dict[str, Compute]:
    return {"levels": levels} if domain is MILL else computed(domain)


def row_of(domain: Domain, task: Task, entity: object, cut_at, told: dict[str, pa.Table]) -> dict:
    """What is asked about: of events, what its row said at the cut-off."""
    if not isinstance(task.spine, Events):
        return {task.spine.entity: entity}
    rows = told[task.spine.table]
    rows = rows.filter(pc.equal(rows[task.spine.entity], pa.scalar(entity)))
    (row,) = [
        row
        for row in rows.to_pylist()
        if row["available_at"] <= cut_at and (row["known_until"] is None or cut_at < row["known_until"])
    ]
    return row


@EACH_TASK
def test_a_single_row_has_the_bits_of_gold(spark, domain, task):
    drawn = {t.name: corrected(silver(spark, domain, t).coalesce(2).localCheckpoint(), t) for t in domain.tables}
    held, history = ({name: worlds[n] for name, worlds in drawn.items()} for n in (0, 1))
    statements = known(domain, held, history, computed=computed_of(domain))
    gold = cut_offs(domain, task, statements, AS_OF).toArrow().to_pylist()
    told = {name: rows.toArrow() for name, rows in statements.items()}
    assert any(rows["known_until"].null_count < len(rows) for rows in told.values())
    names = [name for view in domain.views_of(task) if view.moment == "cut_off" for name in view.names()]
    seen = dict.fromkeys(names, 0)
    for line in random.Random(5).sample(gold, min(ROWS, len(gold))):
        asked = row_of(domain, task, line[task.spine.entity], line["cut_at"], told)
        found = features_at(domain, task, asked, line["cut_at"], told)
        assert {name: repr(found[name]) for name in names} == {name: repr(line[name]) for name in names}, asked
        for name in names:
            seen[name] += found[name] is not None
    assert names == [] or all(seen.values()), seen


@EACH_TASK
def test_gold_kept_up_has_the_bits_of_gold_made_as_a_whole(spark, domain, task):
    """A first batch is what was known after ten days, a second all that came since: new, late, corrected, withdrawn."""
    then, own = START + timedelta(days=10), computed_of(domain)
    first, held, history = {}, {}, {}
    for table in domain.tables:
        rows = silver(spark, domain, table).coalesce(2).localCheckpoint()
        is_late = F.pmod(F.xxhash64(F.lit("late"), *table.key), F.lit(20)) == 0
        first[table.name] = rows.where(F.col("available_at") <= F.lit(then)).where(~is_late)
        attempt = F.when((F.col("available_at") <= F.lit(then)) & ~is_late, 1).otherwise(2)
        held[table.name], history[table.name] = corrected(rows.withColumn("_attempt", attempt), table)
    before = cut_offs(domain, task, known(domain, first, {}, computed=own), then).localCheckpoint()
    statements = {name: rows.localCheckpoint() for name, rows in known(domain, held, history, computed=own).items()}
    whole = cut_offs(domain, task, statements, AS_OF).localCheckpoint()
    said = all_said(domain, held, history, own)
    found, count = kept_up(domain, task, before, statements, said, AS_OF, since=1)
    assert sorted(map(repr, found.collect())) == sorted(map(repr, whole.collect()))
    assert not before.isEmpty() and 0 < count <= whole.count()
