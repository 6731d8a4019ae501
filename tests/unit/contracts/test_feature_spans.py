"""Spans that no window can have are refused as they are declared, before Spark is asked for them."""

from __future__ import annotations

import math

import pytest

from pipelines.contracts.features import Change, Ewm, Lag, Last, Quantile, Rolling, lag_named
from pipelines.contracts.names import DeclarationError


@pytest.mark.parametrize(
    "declare",
    [
        lambda: Lag("x", hours=()),
        lambda: Lag("x", hours=(1, -1)),
        lambda: Rolling("x", "mean", hours=0),
        lambda: Rolling("x", "mean", hours=math.inf),
        lambda: Quantile("x", 0.5, hours=-2),
        lambda: Ewm("x", half_life_hours=0, hours=2),
        lambda: Ewm("x", half_life_hours=1, hours=math.nan),
        lambda: Change("x", 24, ttl_hours=math.inf),
        lambda: Last("x", "max", rows=3, hours=0),
    ],
)
def test_a_span_is_more_than_nothing_and_has_an_end(declare):
    with pytest.raises(DeclarationError, match=r"of 'x': .* must be more than 0 h and have an end"):
        declare()


def test_a_share_and_a_number_of_rows_are_within_reason():
    with pytest.raises(DeclarationError, match=r"q is 1\.5, and must be within 0 and 1"):
        Quantile("x", 1.5, hours=1)
    with pytest.raises(DeclarationError, match="0 rows; it must be 1 or more"):
        Last("x", "max", rows=0, hours=1)


def test_the_value_at_the_moment_itself_may_be_asked_for():
    assert Lag("x", hours=(0, 0.5)).names() == ("x__lag_0h", "x__lag_0_5h")


def test_a_lag_is_known_by_its_name():
    names = Lag("hot__lag_c", hours=(0, 0.5, 36)).names()
    assert [lag_named(name) for name in names] == [("hot__lag_c", 0.0), ("hot__lag_c", 0.5), ("hot__lag_c", 36.0)]
    assert [lag_named(name) for name in Rolling("x", "mean", hours=24).names()] == [None]
