"""Files of a table, read by name and written by Spark's workers: what Delta says of them is what it says of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from pipelines.io import delta_commits, delta_log, new_files, table_files
from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import damage_named, must_be_whole
from pipelines.io.upsert import upsert

KINDS = (
    "id int, at timestamp, on date, name string, cost decimal(9,2), load_mw double, is_late boolean, "
    "tags array<string>, words map<string,string>, place struct<lat:double,lon:double>, raw binary"
)
FULL = (
    1,
    datetime(2024, 1, 1, 10, 0, 0, 123_999, UTC),
    date(2024, 1, 1),
    "Ü",
    Decimal("1.50"),
    2.5,
    True,
    ["a", None],
    {"a": "b", "c": None},
    (1.0, None),
    b"\x00",
)
EMPTY = (2, *[None] * 10)


@pytest.fixture
def frame(spark: SparkSession) -> Callable[..., DataFrame]:
    return lambda *rows, columns=KINDS: spark.createDataFrame(list(rows), columns)


def made(path: str, *frames: DataFrame) -> str:
    """A table at `path`, each frame a commit."""
    delta_commits.create(path, frames[0].schema.json(), {}, "headrace attempt 1")
    for number, rows in enumerate(frames, start=1):
        delta_commits.put(path, table_files.write(rows, path), ("write", number), "headrace attempt 1")
    return path


def names(path: str, version: int) -> list[str]:
    return [file["path"] for file in delta_log.statistics(path, version)]


@pytest.mark.parametrize("folder", ["table", "a folder with blanks/t", "year=2024/t", "{a,b}*?/t"])
def test_every_kind_of_value_comes_back_to_delta_and_by_name(
    spark: SparkSession, frame: Callable[..., DataFrame], tmp_path: Path, folder: str
) -> None:
    rows = frame(FULL, EMPTY)
    path = made(str(tmp_path / folder), rows.coalesce(1))
    by_delta = spark.read.format("delta").load(path)
    by_name = table_files.read(spark, path, 1, names(path, 1))
    assert by_delta.collect() == by_name.collect() == rows.collect()
    assert by_name.schema == by_delta.schema == table_files.columns(path)
    must_be_whole("t", delta_log.files(path, 1))


def test_a_small_file_of_several_groups_of_rows_is_cut_up_for_all_cores(spark: SparkSession, tmp_path: Path) -> None:
    schema, random = pa.schema([("load_mw", pa.float64())]), np.random.default_rng(1)
    groups = [pa.RecordBatch.from_arrays([pa.array(random.random(50_000))], schema=schema) for _ in range(4)]
    (file,) = new_files.write(str(tmp_path), schema, groups)

    def parts() -> list[int]:
        read = spark.read.schema("load_mw double").parquet(f"{tmp_path}/{file.path}")
        return [len(part) for part in read.rdd.glom().collect()]

    with table_files.cut_evenly(spark):
        assert parts() == [100_000, 100_000]
    assert parts() == [200_000], "as before"


def test_bounds_are_those_that_delta_tells(
    spark: SparkSession, frame: Callable[..., DataFrame], tmp_path: Path
) -> None:
    rows = frame(FULL, EMPTY).coalesce(1)
    ours, theirs = made(str(tmp_path / "ours"), rows), str(tmp_path / "theirs")
    rows.write.format("delta").save(theirs)
    (told,), (known) = delta_log.statistics(ours, 1), delta_log.statistics(theirs, 0)[0]
    for column in ("id", "at", "on", "name"):
        for bound in ("min", "max", "null_count"):
            assert told[f"{bound}.{column}"] == known[f"{bound}.{column}"], (bound, column)
    assert {name for name, value in told.items() if name.startswith("min.") and value is not None} == {
        "min.id", "min.at", "min.on", "min.name",
    }  # fmt: skip


def test_a_column_that_a_file_lacks_is_null_and_no_file_is_no_row(
    spark: SparkSession, frame: Callable[..., DataFrame], tmp_path: Path
) -> None:
    path = made(str(tmp_path / "t"), frame((1,), columns="id int"))
    wider = frame((2, "b"), columns="id int, name string")
    delta_commits.add_columns("t", path, wider.schema.json(), "headrace attempt 1")
    delta_commits.put(path, table_files.write(wider, path), ("write", 2), "headrace attempt 1")
    assert sorted(map(tuple, table_files.read(spark, path, 3, names(path, 3)).collect())) == [(1, None), (2, "b")]
    nothing = table_files.read(spark, path, 3, [])
    assert (nothing.columns, nothing.count()) == (["id", "name"], 0)
    assert table_files.write(wider.limit(0), path) == ()


def test_damaged_and_missing_files_are_named(
    spark: SparkSession, frame: Callable[..., DataFrame], tmp_path: Path
) -> None:
    path = made(str(tmp_path / "a b{c}"), frame((1,), columns="id int").coalesce(1))
    (name,) = names(path, 1)
    content = bytearray(Path(path, name).read_bytes())
    content[8] ^= 1
    Path(path, name).write_bytes(content)
    with pytest.raises(WarehouseError, match=r"a b\{c\}/part-.+ does not match its checksum file"), damage_named():
        table_files.read(spark, path, 1, [name]).collect()
    Path(path, name).write_bytes(b"")
    with pytest.raises(WarehouseError, match=r"a b\{c\}/part-.+ has 0 bytes, but \d+ were written; put it back"):
        table_files.read(spark, path, 1, [name])
    Path(path, name).unlink()
    with pytest.raises(WarehouseError, match=r"a b\{c\}/part-.+ is missing; put it back"), damage_named():
        table_files.read(spark, path, 1, [name]).collect()


def test_elsewhere_the_lengths_that_spark_finds_are_compared(
    spark: SparkSession, frame: Callable[..., DataFrame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = made(str(tmp_path / "t"), *[frame((at,), columns="id int").coalesce(1) for at in range(2)])
    first, second = names(path, 2)
    monkeypatch.setattr("pipelines.io.table_files.local_path", lambda uri: None)
    assert table_files.read(spark, path, 2, [first, second]).count() == 2
    Path(path, first).write_bytes(b"")
    with pytest.raises(WarehouseError, match=r"t: files of version 2 have \d+ bytes, but \d+ were written"):
        table_files.read(spark, path, 2, [first, second])
    Path(path, first).unlink()
    with pytest.raises(WarehouseError, match=r"/t/part-.+ is missing; put it back"), damage_named():
        table_files.read(spark, path, 2, [first, second])


def test_many_batches_are_one_row_group(spark: SparkSession, tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    path = made(str(tmp_path / "t"), spark.range(0, 25_000, 1, 1))
    (file,) = delta_log.files(path, 1)
    assert pq.ParquetFile(file).num_row_groups == 1
    assert delta_log.statistics(path, 1)[0]["num_records"] == 25_000


def test_the_log_of_an_upsert_is_one_commit_that_delta_can_read_back(
    spark: SparkSession, frame: Callable[..., DataFrame], tmp_path: Path
) -> None:
    columns = "id int, name string"
    path = made(
        str(tmp_path / "t"),
        *[frame((at, "old"), (at + 1, "old"), columns=columns).coalesce(1) for at in (0, 10, 20)],
    )
    done = upsert(spark, path, 3, frame((11, "new"), (30, "new"), columns=columns).coalesce(1), ["id"], "")
    assert len(done.instead_of) == 1
    assert len(done.files) == 2, "what a file still holds stays in a file of its own"
    delta_commits.put(path, done.files, ("merge", 9), "headrace attempt 9", instead_of=done.instead_of)
    assert sorted(map(tuple, spark.read.format("delta").load(path).collect())) == [
        (0, "old"), (1, "old"), (10, "old"), (11, "new"), (20, "old"), (21, "old"), (30, "new"),
    ]  # fmt: skip
    log = Path(path, "_delta_log", f"{4:020}.json").read_text().splitlines()
    actions = [next(iter(json.loads(line))) for line in log]
    assert sorted(actions) == ["add", "add", "commitInfo", "remove", "txn"]
    assert spark.read.format("delta").option("versionAsOf", 3).load(path).count() == 6


Held = list[tuple[int | None, str | None, int]]
_ids, _names = st.one_of(st.none(), st.integers(0, 6)), st.one_of(st.none(), st.sampled_from("abc"))
_rows = st.lists(st.tuples(_ids, _names, st.integers(0, 99)), max_size=8, unique_by=lambda row: row[:2])


@pytest.mark.parametrize(("broadcast", "rewritten"), [(500_000, 1 << 26), (0, 0), (500_000, 0)])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=st.lists(_rows, min_size=1, max_size=3), new=_rows, gone=st.sets(st.integers(0, 7)))
def test_an_upsert_is_what_a_dict_would_hold(
    spark: SparkSession,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    held: list[Held],
    new: Held,
    gone: set[int],
    broadcast: int,
    rewritten: int,
) -> None:
    monkeypatch.setattr("pipelines.io.upsert.BROADCAST_ROWS", broadcast)
    monkeypatch.setattr("pipelines.io.upsert.REWRITTEN_BYTES", rewritten)
    columns = "id int, name string, load_mw int"
    path = str(tmp_path_factory.mktemp("held") / "t")
    expected: dict[Any, int] = {}
    parts = []
    for part in held:
        fresh = [row for row in part if row[:2] not in expected]
        expected |= {row[:2]: row[2] for row in fresh}
        parts.append(spark.createDataFrame(fresh, columns).coalesce(1))
    made(path, *parts)
    marked = [(*row, number in gone) for number, row in enumerate(new)]
    for *row, is_gone in marked:
        if is_gone:
            expected.pop(tuple(row[:2]), None)
        else:
            expected[tuple(row[:2])] = row[2]
    rows = spark.createDataFrame(marked, f"{columns}, gone boolean").coalesce(1)
    done = upsert(spark, path, len(held), rows, ["id", "name"], "gone")
    delta_commits.put(path, done.files, ("merge", 9), "headrace attempt 9", instead_of=done.instead_of)
    found = table_files.read(spark, path, len(held) + 1, names(path, len(held) + 1)).collect()
    assert sorted(map(repr, map(tuple, found))) == sorted(repr((*key, load)) for key, load in expected.items())
