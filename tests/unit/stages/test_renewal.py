"""Gold kept up batch by batch is gold made as a whole: random statements in three batches, in any order."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import FeatureView, Lag, Own, Rolling
from pipelines.contracts.sources import Source
from pipelines.contracts.tasks import ByTime, Estimate, Events, Forecast, Promote, Span, Spine, utc
from pipelines.stages.gold import cut_offs, known
from pipelines.stages.renewal import all_said
from tests.arrivals import arrive
from tests.kept_up import kept_up
from tests.pool_statements import READINGS, SAID, START, STEP, VIEWS, statements

POOLS = 150
OF_ALL = FeatureView(
    "of_all", table="readings", features=(Rolling("level_m", "mean", hours=0.5), Lag("level_m", (1.0,)))
)
OWN = FeatureView("own", table="readings", entity="reading_id", features=(Own("level_m"),))
SPLIT = ByTime(
    *[Span(utc(f"2023-01-0{day}"), utc(f"2023-01-0{day + 1}")) for day in (1, 3, 5, 7)], gap=timedelta(days=1)
)
ABOUT: dict[str, Any] = {
    "table": "readings",
    "quantiles": (0.5,),
    "families": ("naive",),
    "promote": Promote("mae", must_beat="naive", by=0.0),
    "split": SPLIT,
    "decide": "none",
}
EVERY = Forecast(
    "level_m",
    spine=Spine("readings", entity="pool_id", every=timedelta(hours=1)),
    step=timedelta(minutes=30),
    views=("past", "more", "newest_0"),
    **ABOUT,
)
EACH = Estimate("level_m", spine=Events("readings", entity="reading_id"), views=("past", "own", "newest_0"), **ABOUT)
OF_ALL_ALIKE = replace(EACH, views=("of_all",))
AS_OF = [START + hours * STEP for hours in (20, 34, 40)]
DOMAIN = Domain(
    "pools", "o", "q", sources=(Source("logs", format="csv"),), tables=(READINGS,), views=(*VIEWS, OF_ALL, OWN)
)


@pytest.fixture(scope="module")
def worlds(spark):
    """(silver, history) after each batch."""
    draw, batches = random.Random(17), ([], [], [])
    for pool in range(POOLS):
        said = statements(draw, pool)
        # most pools are told of once, so that a batch leaves much as it was
        within = batches if pool % 3 == 0 else (batches[0],)
        for one in said:
            draw.choice(within).append(one.row)
    return [arrive(spark, DOMAIN, READINGS, SAID, batches[: n + 1]) for n in range(3)]


def lines(frame: DataFrame) -> dict:
    key = [name for name in frame.columns if name in ("pool_id", "reading_id", "cut_at")]
    return {tuple(row[name] for name in key): repr(row) for row in frame.toArrow().to_pylist()}


@pytest.mark.parametrize("task", [EVERY, EACH, OF_ALL_ALIKE], ids=["every hour", "each event", "facts about all"])
def test_gold_kept_up_batch_by_batch_is_gold_made_as_a_whole(worlds, task):
    held, gone = None, set()
    for n, ((silver, history), as_of) in enumerate(zip(worlds, AS_OF, strict=True)):
        statements = known(DOMAIN, {"readings": silver}, {"readings": history})
        whole = cut_offs(DOMAIN, task, statements, as_of).localCheckpoint()
        if held is None:
            held = whole
            continue
        before, after = lines(held), lines(whole)
        said = all_said(DOMAIN, {"readings": silver}, {"readings": history})
        held, count = kept_up(DOMAIN, task, held, statements, said, as_of, since=n - 1)
        assert lines(held) == after
        # no easy case, and worth it: many answers are other ones now, and not all were made anew
        others = sum(after.get(question, row) != row for question, row in before.items())
        assert others > 10 and (count < len(after) or task is OF_ALL_ALIKE)
        gone |= before.keys() - after.keys()
    assert task is EVERY or gone  # readings that were withdrawn are asked about no more
