"""The kernel of the point-in-time join: random histories against plain Python, in stretches of a few rows."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contracts.features import AsOf
from pipelines.transforms.asof import answer
from pipelines.transforms.time_line import Grid
from tests.time_lines import EPOCH, MICROSECOND, answered, laid

TYPES = {"_value level": pa.float64(), "_value name": pa.string(), "_value is_open": pa.bool_()}
LEVELS = st.sampled_from([None, math.nan, -1.5, 0.0, 2.0, math.inf])
HOUR = 3_600_000_000


def facts(last: int) -> st.SearchStrategy:
    """Several at one instant, known before they happen, then, or late; some no longer hold. In steps of an hour."""
    return st.builds(
        lambda who, event, delay, lasts, level, name, is_open: {
            "who": who,
            "event": event * HOUR,
            "known": (event + delay) * HOUR,
            "until": None if lasts is None else (event + lasts) * HOUR,
            "_value level": level,
            "_value name": name,
            "_value is_open": is_open,
        },
        st.sampled_from("ab"),
        st.integers(-last, last),
        st.sampled_from([-3, 0, 0, 0, 1, 7, 40]),
        st.sampled_from([None, None, None, -1, 2, 9, 60]),
        LEVELS,
        st.sampled_from([None, "", "a", "b", "ä", "\U0001f600", "\uffff"]),
        st.sampled_from([None, False, True]),
    )


def in_spark_s_order(value: Any) -> Any:
    """NaN is greatest, and texts go by their bytes."""
    if isinstance(value, float):
        return (math.isnan(value), 0.0 if math.isnan(value) else value)
    return value.encode() if isinstance(value, str) else value


def plainly(told: list[dict], probe: dict, column: str, ttl_hours: float) -> Any:
    at = probe["cut_at"]
    seen = [
        (fact["event"], fact["known"], in_spark_s_order(fact[f"_value {column}"]), fact[f"_value {column}"])
        for fact in told
        if fact["who"] == probe["who"] and fact["event"] <= at and fact["known"] <= at
        if (fact["until"] is None or at < fact["until"]) and fact[f"_value {column}"] is not None
    ]
    event, _, _, value = max(seen, key=lambda one: one[:3], default=(-math.inf, None, None, None))
    return value if at - event < ttl_hours * HOUR else None


@settings(max_examples=500, deadline=None)
@given(
    st.one_of(st.lists(facts(6), max_size=25), st.lists(facts(60), max_size=40)),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-70, 110)), min_size=1, max_size=25),
    st.sampled_from([(2.0, 5.0, 1.0), (50.0, 7.0, 50.0), (3.0, math.inf, 0.5)]),
    st.sampled_from([1, 16]),
    st.sampled_from([1, 3, 8, 1000]),
    st.booleans(),
)
def test_each_column_has_its_newest_value_whatever_lies_beside_it(told, asked, ttls, looks, at_once, collides):
    features = tuple(AsOf(column, ttl) for column, ttl in zip(("level", "name", "is_open"), ttls, strict=True))
    probes = [{"who": who, "cut_at": cut * HOUR} for who, cut in asked]
    grid = Grid(max(ttls), looks)
    rows = laid(told, probes, grid, lambda who, bucket: 0 if collides else ord(who) * 1000 + bucket)
    groups = [[feature.column] for feature in features]
    found = answered(rows, TYPES, lambda some: answer(some, features, groups, grid.reach), grid, at_once, 3)
    for probe, row in zip(probes, found, strict=True):
        expected = [plainly(told, probe, feature.column, feature.ttl_hours) for feature in features]
        assert [repr(row[feature.names()[0]]) for feature in features] == list(map(repr, expected)), probe


@pytest.mark.parametrize(
    ("of", "values"),
    [
        (pa.float64(), [1.0, math.inf, math.nan]),
        (pa.string(), ["a", "z", "\uffff", "\U0001f600"]),
        (pa.bool_(), [False, True]),
        (pa.decimal128(12, 2), [Decimal("-1.00"), Decimal("3.50"), Decimal("20.00")]),
        (pa.timestamp("us", tz="UTC"), [datetime(year, 1, 1, tzinfo=ZoneInfo("UTC")) for year in (1969, 2024)]),
        (pa.int32(), [-5, 7]),
        (pa.date32(), [date(1969, 1, 1), date(2024, 1, 1)]),
    ],
)
def test_of_two_facts_alike_the_greater_counts(of, values):
    """values: in ascending order. Another column is shared between them, and counts first."""
    features, grid = (AsOf("same", 5.0), AsOf("value", 5.0)), Grid(5.0, 16)
    for told in (values, values[::-1]):
        facts = [
            {"who": "a", "event": 0, "known": 0, "until": None, "_value same": 1, "_value value": value}
            for value in told
        ] + [{"who": "a", "event": 0, "known": 0, "until": None, "_value same": 0, "_value value": values[-1]}]
        rows = laid(facts, [{"who": "a", "cut_at": 0}], grid, lambda who, bucket: bucket)
        found = answered(
            rows,
            {"_value same": pa.int64(), "_value value": of},
            lambda some: answer(some, features, [["same", "value"]], grid.reach),
            grid,
            1,
            1,
        )
        assert repr(found[0]["value__as_of"]) == repr(values[-1]) and found[0]["same__as_of"] == 1


@pytest.mark.parametrize("ttl_hours", [1.0, math.inf])
def test_instants_of_one_slot_are_told_apart_at_any_time(ttl_hours):
    """A microsecond early is too early, in the year 1, before 1970, and in 9999; a cut-off between two facts of a slot
    comes after both on the line."""
    grid = Grid(ttl_hours, 16)
    for year in (1, 1899, 1970, 2024, 9999):
        first = (datetime(year, 6, 1, tzinfo=UTC) - EPOCH) // MICROSECOND
        facts = [
            {"who": "a", "event": first + n, "known": first + n, "until": None, "_value level": float(n)}
            for n in (0, 2, 4)
        ]
        probes = [{"who": "a", "cut_at": first + n} for n in (3, -1, 4, 1, 2)]
        for at_once in (1, 3, 100):
            rows = laid(facts, probes, grid, lambda who, bucket: bucket % 100)
            found = answered(
                rows,
                {"_value level": pa.float64()},
                lambda some: answer(some, (AsOf("level", ttl_hours),), [["level"]], grid.reach),
                grid,
                at_once,
                1,
            )
            assert [row["level__as_of"] for row in found] == [2.0, None, 4.0, 0.0, 2.0]
