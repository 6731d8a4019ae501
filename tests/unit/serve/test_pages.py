"""What a person reads of a value."""

from __future__ import annotations

from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from pipelines.serve.pages import readable


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (float("nan"), ""),
        (pd.NaT, ""),
        (17_520, "17,520"),
        (np.int64(3), "3"),
        (24_860_362.03, "24,860,362"),
        (273.9466, "273.9"),
        (0.000123456, "0.0001235"),
        (True, "True"),
        (date(2014, 1, 1), "2014-01-01"),
        (datetime(2014, 1, 1, tzinfo=UTC), "2014-01-01"),
        (datetime(2014, 1, 1, 14, 30, tzinfo=UTC), "2014-01-01 14:30"),
        ([1.5, "a"], "1.5, a"),
        ("x" * 200, "x" * 119 + "…"),
    ],
)
def test_a_value_as_a_person_reads_it(value, text):
    assert readable(value) == text
