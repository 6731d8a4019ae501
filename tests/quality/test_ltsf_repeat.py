"""Repeat-last on hand-made channels gives the errors that can be worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from pipelines.transforms.examples import INSTANT
from tests.quality.cases.ltsf_repeat import repeat_last


def test_the_last_known_value_is_repeated_over_the_whole_horizon() -> None:
    # rising: errors 1, 2, 3 at each of two origins; still: none
    channels = {"rising": of_gold("rising", np.arange(12.0)), "still": of_gold("still", np.full(12, 5.0))}
    mse, mean_absolute = repeat_last(channels, timedelta(hours=1), horizon=3, origin=6, windows=2)
    assert [mse, mean_absolute] == pytest.approx([14 / 3 / 2, 2 / 2])


def of_gold(name: str, values: np.ndarray) -> pa.Table:
    at = [datetime(2016, 7, 1, tzinfo=UTC) + timedelta(hours=row) for row in range(len(values))]
    return pa.table(
        {
            "channel": [name] * len(at),
            "at": pa.array(at, INSTANT),
            "known_at": pa.array([moment + timedelta(hours=1) for moment in at], INSTANT),
            "known_until": pa.nulls(len(at), INSTANT),
            "value": values,
        }
    )
