"""What landing kept is there when it is read, or the run says what is missing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pipelines.contracts.sources import Source
from pipelines.io.landing import LandingError
from pipelines.io.publication import LandedFile
from pipelines.runner.intake import raw_file


def test_a_landed_file_that_is_gone_is_named(tmp_path):
    landed = LandedFile(
        "orders", "orders/2024-01-01.csv", str(tmp_path / "f"), 3, "ab" * 32, datetime(2024, 1, 1, tzinfo=UTC)
    )
    with pytest.raises(LandingError, match=r"landed file of orders/2024-01-01\.csv is gone.*bring it back"):
        raw_file(Source("orders", format="csv"), landed)
    (tmp_path / "f").write_text("a\n1\n")
    assert raw_file(Source("orders", format="csv"), landed).delivered_us == 1_704_067_200_000_000
