"""The class with the least expected cost, and what treating a thing as a class has cost."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import functions as F

from pipelines.transforms.assign import cost_of, least_expected_cost
from tests.frames import frame, rows

NAMES = ("ripe", "green", "rotten")
COSTS = {("ripe", "rotten"): 20.0, ("ripe", "green"): 2.0, ("green", "ripe"): 1.0, ("rotten", "ripe"): 3.0}


def cost(treated: str, actual: str) -> float:
    return 0.0 if treated == actual else COSTS.get((treated, actual), 1.0)


def assigned(spark, given_: list[tuple]):
    columns = ", ".join(f"{name} double" for name in NAMES)
    table = frame(spark, f"id int, {columns}", [(n, *row) for n, row in enumerate(given_)])
    named = least_expected_cost({name: F.col(name) for name in NAMES}, cost)
    return [row[1] for row in rows(table.select("id", named.alias("as")), "id")]


def test_a_costly_mistake_outweighs_the_likelier_class(spark):
    # treated as ripe: 0.2 · 20 = 4; as rotten: 0.8 · 3 = 2.4; as green: 0.8 · 1 + 0.2 · 1 = 1
    assert assigned(spark, [(0.8, 0.0, 0.2)]) == ["green"]


def test_of_equals_the_first_and_nothing_of_what_is_unknown(spark):
    assert assigned(spark, [(1.0, 0.0, 0.0), (None, 0.5, 0.5)]) == ["ripe", None]
    third = frame(spark, "a double, b double", [(0.5, 0.5)])
    named = least_expected_cost({name: F.col(name) for name in ("b", "a")}, lambda treated, actual: treated != actual)
    assert third.select(named).first()[0] == "b"


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(*[st.floats(0.0, 1.0)] * 3), min_size=1, max_size=20))
def test_it_is_what_plain_python_finds(spark, given_):
    def of(row):
        totals = [sum(cost(treated, actual) * p for actual, p in zip(NAMES, row, strict=True)) for treated in NAMES]
        return NAMES[int(np.argmin(totals))]

    assert assigned(spark, given_) == [of(row) for row in given_]


def test_what_a_treatment_cost(spark):
    table = frame(spark, "treated string, actual double", [("ripe", 2.0), ("ripe", 0.0), ("rotten", 0.0), (None, 1.0)])
    costs = table.select(cost_of(F.col("treated"), F.col("actual"), NAMES, cost).alias("cost"))
    assert [row[0] for row in costs.collect()] == [20.0, 0.0, 3.0, None]
