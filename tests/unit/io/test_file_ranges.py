"""Where keys can lie, by what the log tells of each file: never a file less than hold one."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from pipelines.io import file_ranges, table_files

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
    frame: FRAME, spark: SparkSession, tmp_path: Path, kind: str, values: list[tuple[Any, ...]], is_told: bool
) -> None:
    path = str(tmp_path / "held")
    for pair in values:
        frame(*[(value,) for value in pair], columns=f"id {kind}").coalesce(1).write.format("delta").mode(
            "append"
        ).save(path)
    lying = file_ranges.lying(path, 1, ["id"])
    assert [files.within == () for files in lying] == [False, False] if is_told else [True]
    for pair in values:
        for value in pair:
            one = frame((value,), columns=f"id {kind}")
            within = [files.within for files in lying]
            count, touched = file_ranges.touched(one, within, ["id"])
            if value is not None:
                assert file_ranges.of_keys(one.toArrow(), within) == touched
            near = [name for files in lying if files.within in touched for name in files.names]
            held = table_files.read(spark, path, 1, near).intersect(one)
            assert (count, held.count()) == (1, 1)


def test_a_null_key_may_lie_in_any_file(frame: FRAME) -> None:
    within: list[file_ranges.Range] = [(("id", 1, 2),), (("id", 7, 9),)]
    assert file_ranges.touched(frame((8,), (None,), columns="id int"), within, ["id"]) == (2, within)
    assert file_ranges.touched(frame((8,), (8,), columns="id int"), within, ["id"]) == (2, within[1:])
    assert file_ranges.touched(frame(columns="id int"), within, ["id"]) == (0, [])


def test_keys_in_the_driver_lie_where_each_of_their_columns_does() -> None:
    within: list[file_ranges.Range] = [(("id", 1, 2), ("of", "a", "c")), (("id", 2, 9), ("of", "c", "d")), ()]
    keys = pa.table({"of": ["c", "d", "b"], "id": pa.array([1, 1, 9], pa.int16())})
    assert file_ranges.of_keys(keys, within) == [within[0], ()]
    assert file_ranges.of_keys(keys.slice(1), within) == [()]
    assert file_ranges.of_keys(keys.slice(3), within) == []


def test_neighbours_share_a_range_where_there_are_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        {"path": f"{at:03}", "size_bytes": 5, "min.id": at, "max.id": at + 1, "null_count.id": 0} for at in range(130)
    ]
    monkeypatch.setattr("pipelines.io.delta_log.statistics", lambda path, version: files)
    lying = file_ranges.lying("", 0, ["id"])
    assert (len(lying), lying[-1]) == (44, file_ranges.Lying(("129",), (("id", 129, 130),), 5))
    assert lying[0] == file_ranges.Lying(("000", "001", "002"), (("id", 0, 3),), 15)
