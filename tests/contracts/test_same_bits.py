"""Every feature of every domain has the same bits whether gold is made as a whole, or a single row is asked about."""

from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Events, Task
from pipelines.domains import domains
from pipelines.stages.gold import cut_offs, known
from pipelines.stages.single import features_at
from tests.drawn_silver import AS_OF, silver
from tests.toy_domains.mill.domain import DOMAIN as MILL

ROWS = 150
TASKS = [(domain, task) for domain in (*domains().values(), MILL) for task in domain.tasks]


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


@pytest.mark.parametrize(("domain", "task"), TASKS, ids=lambda part: part.name)
def test_a_single_row_has_the_bits_of_gold(spark, domain, task):
    held = {table.name: silver(spark, domain, table).coalesce(2) for table in domain.tables}
    statements = known(domain, held, {})
    gold = cut_offs(domain, task, statements, AS_OF).toArrow().to_pylist()
    told = {name: rows.toArrow() for name, rows in statements.items()}
    names = [name for view in domain.views_of(task) if view.moment == "cut_off" for name in view.names()]
    seen = dict.fromkeys(names, 0)
    for line in random.Random(5).sample(gold, min(ROWS, len(gold))):
        asked = row_of(domain, task, line[task.spine.entity], line["cut_at"], told)
        found = features_at(domain, task, asked, line["cut_at"], told)
        assert {name: repr(found[name]) for name in names} == {name: repr(line[name]) for name in names}, asked
        for name in names:
            seen[name] += found[name] is not None
    assert names == [] or all(seen.values()), seen
