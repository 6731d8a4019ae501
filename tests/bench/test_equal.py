"""Rows that engines made are equal whatever their order and files; numbers may differ by a millionth, no more."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.bench import equal
from tests.bench.harness import VoidRace

FIRST = "values ('a', 1, 1000.0), ('a', 2, null), ('b', 1, 0.0)"
KEY = ("series", "hour")


def written(folder: Path, rows: str) -> Path:
    folder.mkdir()
    select = f"select series, hour, value::double as value from ({rows}) t(series, hour, value)"
    duckdb.execute(f"copy ({select}) to '{folder}/rows.parquet' (format parquet)")
    return folder


def close(tmp_path: Path, second: str, where: str = "true") -> str:
    folders = written(tmp_path / "first", FIRST), written(tmp_path / "second", second)
    return equal.must_be_close(*folders, KEY, {"value": where})


def test_values_within_a_millionth_are_close_and_nan_is_no_value(tmp_path: Path) -> None:
    second = "values ('b', 1, 0.0000009::double), ('a', 2, 'nan'::double), ('a', 1, 1000.0009::double)"
    assert close(tmp_path, second) == "3 rows"


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ("values ('a', 1, 1000.0011), ('a', 2, null), ('b', 1, 0.0)", "{'value': 1}"),
        ("values ('a', 1, null), ('a', 2, 2.0), ('b', 1, 0.0)", "{'value': 2}"),
        ("values ('a', 1, 1000.0), ('a', 2, null)", "{'rows of the first alone': 1, 'value': 1}"),
        (f"{FIRST}, ('b', 2, null)", "{'rows of the second alone': 1}"),
        (f"{FIRST}, ('b', 1, 0.0)", "{'twice in the second': 1}"),
    ],
)
def test_what_differs_is_void(tmp_path: Path, second: str, said: str) -> None:
    with pytest.raises(VoidRace, match=f"first against .*second: differing: {said}"):
        close(tmp_path, second)


def test_values_are_compared_only_where_definitions_meet(tmp_path: Path) -> None:
    second = "values ('a', 1, 7.0), ('a', 2, null), ('b', 1, 7.0)"
    assert close(tmp_path, second, "hour > 1") == "3 rows"


def test_every_expected_row_must_have_been_made(tmp_path: Path) -> None:
    made, typed = written(tmp_path / "made", FIRST), "series, hour, value::double"
    equal.must_hold(made, written(tmp_path / "held", "values ('a', 2, null::double)") / "rows.parquet", typed)
    missing = written(tmp_path / "missing", "values ('a', 2, 5.0), ('b', 1, 0.0)") / "rows.parquet"
    with pytest.raises(VoidRace, match=r"made: 1 rows of rows\.parquet are not among those that were made"):
        equal.must_hold(made, missing, typed)
