"""Repeat-last on hand-made channels gives the errors that can be worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from tests.quality.cases.ltsf_repeat import repeat_last


def test_the_last_known_value_is_repeated_over_the_whole_horizon() -> None:
    rising, still = np.arange(12.0), np.full(12, 5.0)
    first = datetime(2016, 7, 1, tzinfo=UTC)
    # rising: errors 1, 2, 3 at each of two origins; still: none
    mse, mean_absolute = repeat_last({"rising": rising, "still": still}, first, horizon=3, origin=6, windows=2)
    assert [mse, mean_absolute] == pytest.approx([14 / 3 / 2, 2 / 2])
