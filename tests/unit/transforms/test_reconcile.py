"""Every statement about a key gets one outcome, whatever the order of arrival."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from pipelines.transforms.reconcile import reconcile

COLUMNS = "k string, revision int, v string, _delete boolean, _file string, _position int, _ordinal int"
KEYS = {"key": ["k"], "order": ["revision"], "content": ["k", "revision", "v"]}


def statements(spark: SparkSession, rows: list[tuple]) -> DataFrame:
    full = [(*row, "f", position, 0) for position, row in enumerate(rows)]
    return spark.createDataFrame(full, COLUMNS)


def outcomes(judged: DataFrame) -> list[tuple[str, bool]]:
    return [(row["outcome"], row["_applied"]) for row in judged.orderBy("_position").collect()]


def test_every_outcome_against_held_and_withdrawn_rows(spark):
    held = spark.createDataFrame([("a", 1, "x"), ("b", 1, "x"), ("c", 1, "x"), ("d", 3, "x")], "k string, revision int, v string")
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
    assert outcomes(reconcile(batch, held, withdrawn, **KEYS)) == [
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
    judged = reconcile(batch, None, None, key=["k"], order=["_delivered_at"], content=["k", "v"])
    assert outcomes(judged) == [("duplicate", False), ("superseded", False), ("new", True)]


STATEMENT = st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.sampled_from("xy"), st.booleans())


@settings(max_examples=8, deadline=None)
@given(st.lists(STATEMENT, min_size=2, max_size=4))
def test_any_order_of_arrival_ends_in_the_same_table(spark, said):
    ends = set()
    for arrival in itertools.islice(itertools.permutations(said), 3):
        held: dict[str, tuple] = {}
        gone: list[tuple] = []
        for k, revision, v, is_delete in arrival:
            judged = reconcile(
                statements(spark, [(k, revision, v, is_delete)]),
                spark.createDataFrame([(k_, *rest) for k_, rest in held.items()], "k string, revision int, v string"),
                spark.createDataFrame(gone, "k string, revision int"),
                **KEYS,
            )
            if outcomes(judged)[0][1]:
                if is_delete:
                    held.pop(k, None)
                    gone.append((k, revision))
                else:
                    held[k] = (revision, v)
        ends.add(tuple(sorted(held.items())))
    assert len(ends) == 1
