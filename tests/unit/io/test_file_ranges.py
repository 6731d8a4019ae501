"""Where keys can lie, by what the log tells of each file: never a file less than hold one."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines.io import file_ranges

FRAME = Callable[..., DataFrame]


@pytest.fixture
def frame(spark: SparkSession) -> FRAME:
    def make(*rows: tuple[Any, ...], columns: str) -> DataFrame:
        return spark.createDataFrame(list(rows), columns)

    return make


@pytest.mark.parametrize(
    ("kind", "values", "is_told"),
    [
        ("int", [(1, 2), (7, 9)], True),
        ("date", [(date(2024, 1, 1), date(2024, 1, 2)), (date(2024, 5, 1), date(2024, 5, 2))], True),
        ("string", [("a", "b" * 50), ("c", "Ü")], True),
        # the log cuts the greatest instant down to 10:00:00.123
        (
            "timestamp",
            [(at, at.replace(microsecond=123_999)) for at in (datetime(2024, 1, d, 10, tzinfo=UTC) for d in (1, 2))],
            True,
        ),
        ("double", [(1.0, math.nan), (7.0, 9.0)], False),
        ("int", [(1, None), (7, 9)], False),
    ],
)
def test_every_held_key_lies_in_a_range(
    frame: FRAME, tmp_path: Path, kind: str, values: list[tuple[Any, ...]], is_told: bool
) -> None:
    path = str(tmp_path / "held")
    for pair in values:
        frame(*[(value,) for value in pair], columns=f"id {kind}").coalesce(1).write.format("delta").mode(
            "append"
        ).save(path)
    ranges = file_ranges.ranges(path, 1, ["id"])
    assert len(ranges) == (2 if is_told else 0)
    if is_told:
        for number, pair in enumerate(values):
            for value in pair:
                assert ranges_of(frame((value,), columns=f"id {kind}"), ranges) in ([number], [0, 1])


def ranges_of(rows: DataFrame, ranges: list[file_ranges.Range]) -> list[int]:
    touched = file_ranges.touched(rows, ranges, ["id"])
    assert touched is not None
    return [ranges.index(one) for one in touched]


def test_neighbours_share_a_range_where_there_are_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [{"min.id": at, "max.id": at + 1, "null_count.id": 0} for at in range(130)]
    monkeypatch.setattr("pipelines.io.delta_log.statistics", lambda path, version: files)
    ranges = file_ranges.ranges("", 0, ["id"])
    assert (len(ranges), ranges[0], ranges[-1]) == (44, (("id", 0, 3),), (("id", 129, 130),))
