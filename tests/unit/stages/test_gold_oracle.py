"""Features at a cut-off, from raw statements on: random histories against plain Python, a pool each.

Statements come in three batches, in any order.
"""

from __future__ import annotations

import math
import random
import re

import numpy as np
import pytest
from pyspark.sql import SparkSession

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Change
from pipelines.contracts.sources import Source
from pipelines.stages.gold import add_view, known
from tests.arrivals import arrive
from tests.pool_statements import (
    CHANGES,
    LAGS,
    LASTS,
    MEANS,
    QUANTILES,
    READINGS,
    ROLLS,
    SAID,
    SO_FAR,
    START,
    STEP,
    TTLS,
    VIEWS,
    Said,
    statements,
)

POOLS, CUTS = 1_200, 6
DOMAIN = Domain("pools", "o", "q", sources=(Source("logs", format="csv"),), tables=(READINGS,), views=VIEWS)


def in_force(said: list[Said], cut: int) -> list[Said]:
    """Of each reading what the greatest statement says that is known at the cut-off."""
    greatest: dict[str, Said] = {}
    for one in sorted((one for one in said if one.told <= cut), key=lambda one: one.rank):
        greatest[one.reading] = one
    return [one for one in greatest.values() if not one.withdraws]


def plainly(said: list[Said], pool: str, cut: int) -> dict[str, float | None]:
    facts = sorted(
        (one.happened, one.told, one.level)
        for one in in_force(said, cut)
        if one.pool == pool and one.happened <= cut and one.level is not None
    )
    found: dict[str, float | None] = {}
    for name, hours in zip(LAGS.names(), LAGS.hours, strict=True):
        found[name] = next((level for at, _, level in reversed(facts) if at == cut - 2 * hours), None)
    for feature in ROLLS:
        values = [level for at, _, level in facts if at > cut - 2 * feature.hours]
        found[feature.names()[0]] = rolled(feature.op, values)
    for feature in QUANTILES:
        values = [level for at, _, level in facts if at > cut - 2 * feature.hours]
        found[feature.names()[0]] = float(np.quantile(values, feature.q)) if values else None
    for feature in LASTS:
        values = [level for at, _, level in facts if at > cut - 2 * feature.hours]
        found[feature.names()[0]] = rolled(feature.op, values[-feature.rows :])
    for feature in MEANS:
        weighed = [
            (0.5 ** ((cut - at) / 2 / feature.half_life_hours), level)
            for at, _, level in facts
            if at > cut - 2 * feature.hours
        ]
        found[feature.names()[0]] = sum(w * v for w, v in weighed) / sum(w for w, _ in weighed) if weighed else None
    for feature in CHANGES:
        found[feature.names()[0]] = changed(feature, facts, cut)
    for feature in SO_FAR:
        found[feature.names()[0]] = rolled(feature.op, [level for _, _, level in facts])
    for n, ttl in enumerate(TTLS):
        newest = facts[-1] if facts else None
        found[f"newest_{n}"] = newest[2] if newest and cut - newest[0] < 2 * ttl else None
    return found


def changed(feature: Change, facts: list[tuple[int, int, float]], cut: int) -> float | None:
    def newest(moment: float) -> float | None:
        alive = [level for at, _, level in facts if moment - 2 * feature.ttl_hours < at <= moment]
        return alive[-1] if alive else None

    now, then = newest(cut), newest(cut - 2 * feature.hours)
    if now is None or then is None:
        return None
    return now - then if feature.by == "difference" else now / then if then else None


def rolled(op: str, values: list[float]) -> float | None:
    if op == "count":
        return float(len(values))
    if not values:
        return None
    mean = sum(values) / len(values)
    match op:
        case "mean":
            return mean
        case "std":
            squares = sum((value - mean) ** 2 for value in values)
            return math.sqrt(squares / (len(values) - 1)) if len(values) > 1 else None
        case "sum":
            return sum(values)
        case _:
            return min(values) if op == "min" else max(values)


@pytest.fixture(scope="module")
def cases() -> dict[int, list[Said]]:
    draw = random.Random(41)
    return {pool: statements(draw, pool) for pool in range(POOLS)}


@pytest.fixture(scope="module")
def silver(spark: SparkSession, cases: dict[int, list[Said]]) -> dict:
    """What is known of the readings after all batches, as gold is given it."""
    draw, batches = random.Random(7), ([], [], [])
    for said in cases.values():
        for one in said:
            draw.choice(batches).append(one.row)
    held, history = arrive(spark, DOMAIN, READINGS, SAID, batches)
    found = known(DOMAIN, {"readings": held}, {"readings": history})
    return {name: rows.localCheckpoint() for name, rows in found.items()}


def test_every_feature_is_what_plain_python_makes_of_the_statements(spark, cases, silver):
    draw = random.Random(3)
    asked = {(pool, cut) for pool in cases for cut in draw.sample(range(-2, 40), CUTS)}
    probes = spark.createDataFrame(
        [(pool, cut, f"p{pool}", START + cut * STEP) for pool, cut in sorted(asked)],
        "pool int, cut int, pool_id string, cut_at timestamp",
    )
    for view in VIEWS:
        probes = add_view(probes, view, DOMAIN, silver).withColumnRenamed("level_m__as_of", view.name)
    found = {(row.pop("pool"), row.pop("cut")): row for row in probes.toArrow().to_pylist()}
    expected = {(pool, cut): plainly(cases[pool], f"p{pool}", cut) for pool, cut in asked}
    assert len(found) == len(expected)
    for question, features in expected.items():
        row = {name: found[question][name] for name in features}
        assert row == {
            # powers and interpolations may differ in the last bit from one library to the next
            name: pytest.approx(value) if value is not None and re.search("__(ewm|std|q[0-9])", name) else value
            for name, value in features.items()
        }, (question, cases[question[0]])
    # the cases are no easy ones: windows of several, facts that are late, corrected, withdrawn
    assert sum(row["level_m__count_5h"] > 1 for row in expected.values()) > 500
    corrected = [said for said in cases.values() if len({one.reading for one in said}) < len(said)]
    assert len(corrected) > 500 and sum(one.withdraws for said in corrected for one in said) > 200
