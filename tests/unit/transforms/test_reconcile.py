"""Every statement about a key gets one outcome, whatever the order of arrival."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.contracts.tables import OUTCOMES
from pipelines.transforms.reconcile import reconcile

COLUMNS = "k string, revision int, v string, _delete boolean, _file string, _position int, _ordinal int"
KEYS = {"key": ["k"], "order": ["revision"], "content": ["k", "revision", "v"], "withdraws": True}


def statements(spark: SparkSession, rows: list[tuple]) -> DataFrame:
    full = [(*row, "f", position, 0) for position, row in enumerate(rows)]
    return spark.createDataFrame(full, COLUMNS).withColumn("_is_good", F.lit(True))


def outcomes(judged: DataFrame) -> list[tuple[str, bool]]:
    records = judged.where("outcome is not null").orderBy("_position")
    return [(row["outcome"], row["_applied"]) for row in records.collect()]


def replaced(judged: DataFrame) -> dict[str, bool]:
    """Of the held rows, by key, whether each is replaced."""
    return {row["k"]: row["_is_replaced"] for row in judged.where("outcome is null and not _delete").collect()}


def test_every_outcome_against_held_and_withdrawn_rows(spark):
    held = spark.createDataFrame(
        [("a", 1, "x"), ("b", 1, "x"), ("c", 1, "x"), ("d", 3, "x")], "k string, revision int, v string"
    )
    withdrawn = spark.createDataFrame([("e", 2)], "k string, revision int")
    batch = statements(
        spark,
        [
            ("a", 1, "x", False),  # 0 said before
            ("b", 2, "y", False),  # 1 corrected
            ("b", 2, "y", False),  # 2 the same once more
            ("c", 2, None, True),  # 3 withdrawn
            ("d", 2, "y", False),  # 4 older than what is held
            ("e", 1, "x", False),  # 5 older than its withdrawal
            ("n", 0, "x", False),  # 6 older than the next one
            ("n", 1, "x", False),  # 7 new
            ("m", 1, None, True),  # 8 withdraws what was never held
        ],
    )
    judged = reconcile(batch, held, withdrawn, **KEYS)
    assert replaced(judged) == {"a": False, "b": True, "c": True, "d": False}
    assert outcomes(judged) == [
        ("unchanged", False),
        ("updated", True),
        ("duplicate", False),
        ("deleted", True),
        ("superseded", False),
        ("superseded", False),
        ("superseded", False),
        ("new", True),
        ("unchanged", True),
    ]


def test_a_newer_statement_brings_a_withdrawn_key_back(spark):
    withdrawn = spark.createDataFrame([("e", 2)], "k string, revision int")
    assert outcomes(reconcile(statements(spark, [("e", 3, "x", False)]), None, withdrawn, **KEYS)) == [("new", True)]


def test_without_a_declared_order_the_later_delivery_counts(spark):
    columns = "k string, v string, _delivered_at int, _delete boolean, _file string, _position int, _ordinal int"
    batch = spark.createDataFrame(
        [("a", "x", 1, False, "f", 0, 0), ("a", "y", 2, False, "g", 1, 0), ("a", "x", 3, False, "h", 2, 0)], columns
    )
    judged = reconcile(
        batch.withColumn("_is_good", F.lit(True)),
        None,
        None,
        key=["k"],
        order=["_delivered_at"],
        content=["k", "v"],
        withdraws=False,
    )
    assert outcomes(judged) == [("duplicate", False), ("superseded", False), ("new", True)]


def test_a_newer_order_alone_is_an_update_where_it_is_content_and_moves_along_where_it_is_not(spark):
    held = spark.createDataFrame([("a", 1, "x")], "k string, revision int, v string")
    batch = statements(spark, [("a", 2, "x", False)])
    assert outcomes(reconcile(batch, held, None, **KEYS)) == [("updated", True)]
    assert outcomes(reconcile(batch, held, None, **KEYS | {"content": ["k", "v"]})) == [("unchanged", True)]


@pytest.mark.parametrize("withdraws", [False, True])
def test_the_first_of_what_is_said_twice_counts_and_floats_are_alike_as_spark_groups_them(spark, withdraws):
    columns = "k string, revision int, x double, _delete boolean, _file string, _position int, _ordinal int"
    said = [("a", 1, -0.0), ("a", 1, 0.0), ("b", 1, float("nan")), ("b", 1, float("nan")), ("c", 1, 2.0), ("c", 2, 1.0)]
    places = [("g", 0), ("f", 9), ("f", 2), ("f", 1), ("f", 3), ("f", 4)]
    batch = spark.createDataFrame(
        [(*row, False, file, position, 0) for row, (file, position) in zip(said, places, strict=True)], columns
    )
    judged = reconcile(
        batch.withColumn("_is_good", F.lit(True)),
        None,
        None,
        key=["k"],
        order=["revision"],
        content=["k", "revision", "x"],
        withdraws=withdraws,
    ).orderBy("k", "_file", "_position")
    assert [row["outcome"] for row in judged.collect()] == [
        "new",
        "duplicate",
        "new",
        "duplicate",
        "superseded",
        "new",
    ]


def test_a_microsecond_is_content(spark):
    columns = "k string, revision int, at timestamp, _delete boolean, _file string, _position int, _ordinal int"
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    held = spark.createDataFrame([("a", 1, noon)], "k string, revision int, at timestamp")
    batch = spark.createDataFrame([("a", 2, noon + timedelta(microseconds=1), False, "f", 0, 0)], columns)
    judged = reconcile(
        batch.withColumn("_is_good", F.lit(True)),
        held,
        None,
        key=["k"],
        order=["revision"],
        content=["k", "at"],
        withdraws=False,
    )
    assert outcomes(judged) == [("updated", True)]


# Many histories at once: each case is a key of its own, so one job an arrival serves them all.

CASES = 150


def history(draw: random.Random) -> list[tuple[int, str, bool]]:
    """Two to five statements about one key: revision, value, whether it withdraws."""
    return [(draw.randrange(3), draw.choice("xy"), draw.random() < 0.3) for _ in range(draw.randrange(2, 6))]


def in_force(said: list[tuple[int, str, bool]]) -> set[tuple[int, bool]]:
    """The plain meaning: the revision and kind of the greatest statement."""
    return {max((revision, is_delete) for revision, _, is_delete in said)}


def arrive(spark: SparkSession, arrivals: list[list[tuple]]) -> tuple[dict[str, tuple], Counter]:
    """Reconcile batch after batch of (k, revision, v, is_delete); what is held at the end, and all outcomes."""
    held: dict[str, tuple] = {}
    gone: dict[str, int] = {}
    counted: Counter = Counter()
    for batch in arrivals:
        judged = reconcile(
            statements(spark, batch),
            spark.createDataFrame([(k, *rest) for k, rest in held.items()], "k string, revision int, v string"),
            spark.createDataFrame(list(gone.items()), "k string, revision int"),
            **KEYS,
        ).collect()
        told = [row for row in judged if row["outcome"] is not None]
        assert len(told) == len(batch)
        counted.update((row["k"], row["outcome"]) for row in told)
        applied = [row for row in told if row["_applied"]]
        assert len({row["k"] for row in applied}) == len(applied)
        assert {row["k"] for row in judged if row["_is_replaced"]} == {row["k"] for row in applied} & held.keys()
        for row in applied:
            held.pop(row["k"], None)
            gone.pop(row["k"], None)
            if row["_delete"]:
                gone[row["k"]] = row["revision"]
            else:
                held[row["k"]] = (row["revision"], row["v"])
    return held, counted


def test_any_order_and_any_batching_end_in_the_same_table_with_counts_that_add_up(spark):
    draw = random.Random(5)
    said = {f"k{n}": history(draw) for n in range(CASES)}
    lines = [(k, *statement) for k, statements_of in said.items() for statement in statements_of]
    shuffled = draw.sample(lines, len(lines))
    half = len(lines) // 2
    ends = [
        arrive(spark, arrivals)
        for arrivals in ([lines], [shuffled[:half], shuffled[half:]], [shuffled[half:], shuffled[:half]])
    ]
    assert ends[0][0] == ends[1][0] == ends[2][0]
    for k, statements_of in said.items():
        ((revision, is_delete),) = in_force(statements_of)
        assert (k in ends[0][0]) is not is_delete
        assert is_delete or ends[0][0][k][0] == revision
    for held, counted in ends:
        for k, statements_of in said.items():
            of = {outcome: counted[k, outcome] for outcome in OUTCOMES}
            assert sum(of.values()) == len(statements_of)
            assert of["new"] - of["deleted"] == (k in held), (k, statements_of, of)
