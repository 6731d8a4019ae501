"""What is said of a table's columns, on literal rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipelines.metrics.profile import line_through, numeric, profile, strongest

ROWS = pd.DataFrame(
    {
        "place": ["a", "a", None, "b", "c", "d"],
        "degrees": [1.0, 2.0, 3.0, 4.0, 5.0, np.nan],
        "fixed": [7, 7, 7, 7, 7, 7],
        "is_open": [True, False, True, True, False, True],
        "at": pd.to_datetime(["2014-01-01", "2014-01-02", "2014-01-03", None, None, None], utc=True),
    }
)


def test_a_column_is_told_by_what_is_missing_different_and_typical():
    lines = profile(ROWS)
    assert lines.loc["degrees", ["distinct", "least", "median", "greatest"]].tolist() == [5, 1.0, 3.0, 5.0]
    assert lines.loc["degrees", "missing"] == pytest.approx(1 / 6)
    assert lines.loc["place", "distinct"] == 4
    assert lines.loc["place", "examples"] == ["a", "b", "c"]
    assert lines.loc["place", "least"] is None
    assert lines.loc["at", "median"] == pd.Timestamp("2014-01-02", tz="UTC")
    assert lines.loc["is_open", "greatest"] is None


def test_an_empty_table_has_a_profile():
    assert profile(ROWS.iloc[:0])["distinct"].tolist() == [0] * 5


def test_numbers_are_what_varies_and_is_no_flag():
    assert [*numeric(ROWS).columns] == ["degrees"]


def test_the_strongest_features_come_first_whatever_their_sign():
    rows = pd.DataFrame(
        {
            "label": [1.0, 2.0, 3.0, np.nan],
            "weak": [1.0, 3.0, 2.0, 9.0],
            "against": [3.0, 2.0, 1.0, 9.0],
            "none": [1.0, 1.0, 1.0, 9.0],
        }
    )
    assert strongest(rows, "label", most=2) == [("against", pytest.approx(-1.0)), ("weak", pytest.approx(0.5))]
    assert strongest(rows.assign(label=1.0), "label", most=2) == []


def test_the_line_through_points():
    assert line_through(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0])) == pytest.approx((1.0, 2.0))
