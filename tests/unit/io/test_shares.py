"""Rows that go to several tables in one pass, and rows that a table holds no more: whole files, and no other row."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from pipelines.contracts.shares import HELD_FILE, HELD_ROW, Share
from pipelines.io import delta_log
from pipelines.io.attempts import SharedOut
from pipelines.io.delta import Warehouse
from pipelines.io.failures import WarehouseError
from pipelines.io.ledger import Ledger
from pipelines.io.publication import Publication
from pipelines.io.row_marks import marked, unmarked

LOAD, PAST, APART = "silver.energy_load", "silver.energy_load_history", "quarantine.energy_load"
KINDS = (
    "id int, at timestamp, on date, name string, cost decimal(9,2), load_mw double, is_late boolean, "
    "tags array<string>, words map<string,string>, raw binary"
)


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse:
    return Warehouse(lambda: spark, str(tmp_path / "warehouse"), Ledger(str(tmp_path / "ledger.db")))


def begun(warehouse: Warehouse, frame: DataFrame, table: str = LOAD) -> None:
    attempt = warehouse.open_attempt("energy", "ingest")
    warehouse.append(attempt, table, frame, "write")
    warehouse.publish(attempt, Publication())


def kept(warehouse: Warehouse, share_out: Callable[..., SharedOut], *args: Any) -> None:
    attempt = warehouse.open_attempt("energy", "ingest")
    warehouse.keep(attempt, share_out(attempt, *args), "write")
    warehouse.publish(attempt, Publication())


size = attrgetter("num_rows")  # goes to the workers, who have no tests


def held(warehouse: Warehouse, table: str = LOAD) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, warehouse.read(table).collect()))


def test_each_share_takes_its_rows_and_all_rows_are_counted(spark: SparkSession, warehouse: Warehouse) -> None:
    rows = spark.range(100).select(
        F.col("id").cast("int").alias("id"),
        (F.col("id") < 90).alias("is_good"),
        (F.col("id") % 10 == 0).alias("is_tenth"),
        F.lit(False).alias("never"),
    )
    shares = (
        Share(LOAD, "is_good", ("id",), is_begun=True),
        Share(PAST, "is_tenth", ("id", "is_good")),
        Share(APART, "never", ("id",)),
    )
    attempt = warehouse.open_attempt("energy", "ingest")
    shared = warehouse.share_out(attempt, rows, shares, size)
    assert sum(shared.counted) == 100
    assert not warehouse.exists(LOAD, attempt=attempt), "nothing is committed yet"
    warehouse.keep(attempt, shared, "write")
    assert set(warehouse.publish(attempt, Publication())) == {LOAD, PAST}, "a table that gets no row is not begun"
    assert held(warehouse) == [(n,) for n in range(90)]
    assert held(warehouse, PAST) == [(n, n < 90) for n in range(0, 100, 10)]


def test_what_is_dropped_leaves_no_file_and_a_share_without_rows_may_begin_its_table(
    spark: SparkSession, warehouse: Warehouse, tmp_path: Path
) -> None:
    rows = spark.range(10).withColumns({"all": F.lit(True), "none": F.lit(False)})
    attempt = warehouse.open_attempt("energy", "ingest")
    shared = warehouse.share_out(attempt, rows, (Share(LOAD, "all", ("id",)), Share(PAST, "none", ("id",))), size)
    lying = tmp_path / "warehouse" / "silver" / "energy_load"
    assert list(lying.glob("*.parquet")) and list(lying.glob(".*.crc"))
    shared.drop()
    assert not any(lying.iterdir())
    kept(warehouse, warehouse.share_out, rows, (Share(PAST, "none", ("id",), is_begun=True),), size)
    assert held(warehouse, PAST) == []


@pytest.mark.parametrize(("most", "most_bytes"), [(12, 10**9), (12, 0), (10**9, 10**9)])
def test_rows_go_from_where_they_lie_and_files_without_any_are_left_alone(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, most: int, most_bytes: int
) -> None:
    monkeypatch.setattr("pipelines.io.lookup.LOOKED_THROUGH_BYTES", most_bytes)
    for first in (0, 100, 200):
        begun(warehouse, spark.range(first, first + 10, 1, 1).withColumn("load_mw", F.lit(1.0)))
    before = set(warehouse.shard(LOAD).files)
    said = spark.createDataFrame([(3, 2.0), (7, 2.0), *[(n, 2.0) for n in range(200, 210)]], "id long, load_mw double")
    (lying,) = warehouse.read_keys([LOAD], said, ["id"], most)
    assert sorted(row["id"] for row in lying.collect()) == [3, 7, *range(200, 210)]
    told = said.where("id < 5").withColumns({"comes": F.lit(True), "goes": F.lit(False)})
    told = told.unionByName(lying.withColumns({"comes": F.lit(False), "goes": F.lit(True)}), allowMissingColumns=True)
    kept(warehouse, warehouse.share_out, told, (Share(LOAD, "comes", ("id", "load_mw"), goes="goes"),), size)
    after = set(warehouse.shard(LOAD).files)
    assert held(warehouse) == [
        *[(n, 2.0 if n == 3 else 1.0) for n in range(10) if n != 7],
        *[(n, 1.0) for n in range(100, 110)],
    ]
    assert (len(before & after), len(after)) == (1, 3), "of the three one is left alone, one written anew, one gone"


@pytest.mark.parametrize("most", [2, 10**9])
def test_keys_that_no_file_can_hold_are_found_nowhere(spark: SparkSession, warehouse: Warehouse, most: int) -> None:
    begun(warehouse, spark.range(10))
    begun(warehouse, spark.range(10), PAST)
    strange = spark.createDataFrame([(-1,), (None,)], "id long")
    near = warehouse.read_keys([LOAD, PAST], strange, ["id"], most)
    assert [frame.columns for frame in near] == [["id", HELD_FILE, HELD_ROW]] * 2
    assert [frame.count() for frame in near] == [0, 0]


@pytest.mark.parametrize("is_compacted", [False, True])
def test_every_kind_of_value_stays_as_it_is_where_another_row_of_its_file_goes(
    spark: SparkSession, warehouse: Warehouse, is_compacted: bool
) -> None:
    at = datetime(9999, 1, 1, 10, 0, 0, 123_999, UTC)
    full = (at, at.date(), "Ü", None, 2.5, True, ["a", None], {"a": "b", "c": None}, b"\x00")
    for n in (0, 2):
        begun(warehouse, spark.createDataFrame([(n, *full), (n + 1, *[None] * 9)], KINDS).coalesce(1))
    if is_compacted:  # by Spark, and not by Arrow
        attempt = warehouse.open_attempt("energy", "maintain")
        warehouse.compact(attempt, LOAD)
        warehouse.publish(attempt, Publication())
    before = warehouse.read(LOAD).where("id <> 1").orderBy("id").collect()
    lying = warehouse.read_placed(LOAD).withColumns({"goes": F.col("id") == 1, "comes": F.lit(False)})
    kept(warehouse, warehouse.share_out, lying, (Share(LOAD, "comes", ("id",), goes="goes"),), size)
    assert warehouse.read(LOAD).orderBy("id").collect() == before
    nulls = delta_log.tally(warehouse._ledger.pins()[LOAD].path, warehouse.version(LOAD))[1]
    assert nulls == {name: 3 if name == "cost" else 1 for name in before[0].asDict() if name != "id"}


@pytest.mark.parametrize("most_bytes", [0, 10**9])
def test_rows_with_the_same_key_are_found_whole_and_where_they_lie(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, most_bytes: int
) -> None:
    monkeypatch.setattr("pipelines.io.lookup.LOOKED_THROUGH_BYTES", most_bytes)
    noon = datetime(2024, 1, 1, 12, 0, 0, 1, UTC)
    full = (noon.date(), "Ü", Decimal("1.50"), 2.5, True, ["a", None], {"a": "b", "c": None}, b"\x00")
    begun(warehouse, spark.createDataFrame([(1, noon), (2, noon), (3, None)], "id int, at timestamp").coalesce(1))
    rows = [(1, noon, *full), (1, noon.replace(microsecond=2), *full), (2, None, *[None] * 8), (2, noon, *full)]
    begun(warehouse, spark.createDataFrame(rows, KINDS).coalesce(1))
    attempt = warehouse.open_attempt("energy", "maintain")
    warehouse.compact(attempt, LOAD)
    warehouse.publish(attempt, Publication())
    begun(warehouse, spark.createDataFrame([(4, noon, *full), (2, noon, *[None] * 8)], KINDS).coalesce(1))
    keys = [(1, noon), (2, noon), (2, noon), (3, None), (None, noon), (5, noon)]
    said = spark.createDataFrame(keys, "id int, at timestamp")
    (near,) = warehouse.read_keys([LOAD], said, ["at", "id"], len(keys))
    placed = warehouse.read_placed(LOAD)
    near = near.select(placed.columns)
    assert near.schema.simpleString() == placed.schema.simpleString()
    order = [HELD_FILE, HELD_ROW]
    expected = placed.where(F.col("at") == F.lit(noon)).where("id in (1, 2)").orderBy(order).collect()
    assert len(expected) == 5
    assert near.orderBy(order).collect() == expected


@pytest.mark.parametrize("most_bytes", [0, 10**9])
def test_a_file_without_any_of_the_keys_hides_no_other(
    spark: SparkSession, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, most_bytes: int
) -> None:
    monkeypatch.setattr("pipelines.io.lookup.LOOKED_THROUGH_BYTES", most_bytes)
    for ids in ([0, 9], [100, 109], [200, 209]):  # by which they are looked through, too
        begun(warehouse, spark.createDataFrame([(n,) for n in ids], "id long").coalesce(1))
    said = spark.createDataFrame([(5,), (None,), (100,), (205,)], "id long").repartition(9)
    (near,) = warehouse.read_keys([LOAD], said, ["id"], 4)
    assert [row["id"] for row in near.collect()] == [100]


@pytest.mark.parametrize(("key", "found"), [("load_mw", [0, 1]), ("name", [0])])
def test_keys_are_alike_as_spark_finds_them(
    spark: SparkSession, warehouse: Warehouse, key: str, found: list[int]
) -> None:
    begun(warehouse, spark.range(3, 5, 1, 1).select(F.col("id").cast("int")))  # a file from before the key was declared
    rows = [(0, 0.0, "é"), (1, float("nan"), "e\u0301"), (2, 1.0, "É")]
    begun(warehouse, spark.createDataFrame(rows, "id int, load_mw double, name string").coalesce(1))
    said = spark.createDataFrame([(-0.0, "é"), (float("nan"), "e")], "load_mw double, name string")
    (near,) = warehouse.read_keys([LOAD], said, [key], 2)
    assert sorted(row["id"] for row in near.collect()) == found


@pytest.mark.parametrize("has_checksum", [True, False])
def test_a_damaged_file_is_not_looked_through(spark: SparkSession, warehouse: Warehouse, has_checksum: bool) -> None:
    begun(warehouse, spark.range(0, 1000, 1, 1))
    (file,) = map(Path, warehouse.shard(LOAD).files)
    file.write_bytes(file.read_bytes()[:-9] + b"?" * 9)
    if not has_checksum:
        file.with_name(f".{file.name}.crc").unlink()
    told = f"{file} does not match its checksums" if has_checksum else "at version 1 cannot be read: "
    with pytest.raises(WarehouseError, match=f"{LOAD}.* {told}"):
        warehouse.read_keys([LOAD], spark.range(3), ["id"], 3)


def test_a_damaged_file_is_not_copied(spark: SparkSession, warehouse: Warehouse) -> None:
    begun(warehouse, spark.range(0, 10, 1, 1))
    (file,) = map(Path, warehouse.shard(LOAD).files)
    told = warehouse.read_placed(LOAD).withColumns({"goes": F.col("id") == 1, "comes": F.lit(False)})
    attempt = warehouse.open_attempt("energy", "ingest")
    shared = warehouse.share_out(attempt, told, (Share(LOAD, "comes", ("id",), goes="goes"),), size)
    content = bytearray(file.read_bytes())
    content[8] ^= 1
    file.write_bytes(content)
    with pytest.raises(WarehouseError, match=f"{LOAD}: {file} does not match its checksums"):
        warehouse.keep(attempt, shared, "write")


PLACES = st.lists(st.integers(0, 40), max_size=20)


@given(st.lists(PLACES, max_size=4), st.integers(0, 50))
def test_the_rows_that_are_left_are_those_in_no_mark(marks: list[list[int]], count: int) -> None:
    left = unmarked([marked(np.array(rows, np.int64)) for rows in marks], count)
    assert left.tolist() == [all(n not in rows for rows in marks) for n in range(count)]
