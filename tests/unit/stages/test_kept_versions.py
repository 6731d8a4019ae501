"""Versions of a key (SCD2): each holds from an instant until the next one does, in any order of arrival."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from pipelines.contracts.tables import Column, Table
from tests.arrivals import arrive
from tests.frames import rows
from tests.toy_domains.mill.domain import DOMAIN

TOLLS = Table(
    "tolls",
    source="ponds",
    key=("weir",),
    valid_from="holds_from",
    order=("edition",),
    columns=(
        Column("weir", "string"),
        Column("holds_from", "timestamp"),
        Column("edition", "int"),
        Column("toll_eur", "double", nullable=True),
    ),
)
SAID = "weir string, holds_from timestamp, edition int, toll_eur double, available_at timestamp, _delete boolean"
SHOWN = ("weir", "holds_from", "valid_to", "toll_eur")
DAY_0 = datetime(2024, 1, 1, tzinfo=UTC)
Said = tuple[str, datetime, int, float | None, datetime, bool]


def say(weir: str, day: int, edition: int, toll: float | None = None, *, gone: bool = False) -> Said:
    return weir, DAY_0 + timedelta(days=day), edition, toll, DAY_0 + timedelta(days=30 + edition), gone


def test_a_version_ends_where_the_next_begins_though_it_came_before(spark):
    batches = [
        [say("a", 10, 0, 2.0), say("b", 0, 0, 9.0)],
        [say("a", 0, 0, 1.0)],  # late: it held before
        [say("a", 5, 0, 1.5)],  # between the two
    ]
    held, _ = arrive(spark, DOMAIN, TOLLS, SAID, batches)
    assert rows(held.select(*SHOWN), "weir", "holds_from") == [
        ("a", "2024-01-01 00:00", "2024-01-06 00:00", 1.0),
        ("a", "2024-01-06 00:00", "2024-01-11 00:00", 1.5),
        ("a", "2024-01-11 00:00", None, 2.0),
        ("b", "2024-01-01 00:00", None, 9.0),
    ]


def test_a_corrected_version_keeps_its_span_and_one_that_is_withdrawn_gives_it_back(spark):
    batches = [
        [say("a", 0, 0, 1.0), say("a", 5, 0, 1.5), say("a", 10, 0, 2.0)],
        [say("a", 0, 1, 1.1)],
        [say("a", 5, 1, gone=True)],
    ]
    held, history = arrive(spark, DOMAIN, TOLLS, SAID, batches)
    assert rows(held.select(*SHOWN, "available_at"), "holds_from") == [
        ("a", "2024-01-01 00:00", "2024-01-11 00:00", 1.1, "2024-02-01 00:00"),
        ("a", "2024-01-11 00:00", None, 2.0, "2024-01-31 00:00"),
    ]
    assert rows(history.select("holds_from", "edition", "toll_eur", "_delete"), "holds_from", "edition") == [
        ("2024-01-01 00:00", 0, 1.0, False),
        ("2024-01-06 00:00", 0, 1.5, False),
        ("2024-01-06 00:00", 1, None, True),
    ]


def plainly(said: list[Said]) -> set[tuple]:
    """The plain meaning: the last word on each (weir, day), in a line."""
    last: dict[tuple[str, datetime], Said] = {}
    for statement in said:
        place = statement[:2]
        if place not in last or (statement[2], statement[5]) > (last[place][2], last[place][5]):
            last[place] = statement
    line = sorted(statement for statement in last.values() if not statement[5])
    following = {of[:2]: after[1] for of, after in pairwise(line) if of[0] == after[0]}
    return {(weir, day, following.get((weir, day)), toll) for weir, day, _, toll, *_ in line}


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_any_order_of_arrival_ends_in_the_same_versions(spark, seed):
    draw = random.Random(11)
    said = []
    for weir in (f"w{n}" for n in range(80)):
        for day in range(5):
            for edition in draw.sample(range(4), k=draw.randrange(3)):
                said.append(say(weir, day, edition, float(edition), gone=draw.random() < 0.3))
    shuffled = random.Random(seed).sample(said, len(said))
    third = len(shuffled) // 3
    batches = [shuffled[:third], shuffled[third : 2 * third], shuffled[2 * third :]]
    held, _ = arrive(spark, DOMAIN, TOLLS, SAID, batches)
    assert {tuple(row.values()) for row in held.select(*SHOWN).toArrow().to_pylist()} == plainly(said)
