from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tiny_gold import day, plan_for, write_gold

from pipelines.contracts.fits import FitError, Shard
from pipelines.contracts.tasks import Span
from pipelines.engines.shards import examples_of, read, shard_hash
from pipelines.io.failures import WarehouseError


@pytest.fixture(scope="module")
def plan(tmp_path_factory):
    return plan_for("linear", write_gold(tmp_path_factory.mktemp("gold")))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_shards_are_disjoint_and_complete_and_hold_what_the_whole_holds(plan, count):
    whole = examples_of(plan, plan.train)
    shards = [examples_of(plan, plan.train, index, count) for index in range(count)]
    assert pa.concat_tables(shards).to_pylist() == whole.to_pylist()
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_more_shards_than_cut_offs_leave_some_empty(plan):
    shards = [examples_of(plan, Span(day(8), day(9)), index, 5) for index in range(5)]
    assert sorted(map(len, shards)) == [0, 0, 0, 1, 1]


def test_a_span_is_half_open(plan):
    assert {row["cut_at"] for row in examples_of(plan, Span(day(8), day(10))).to_pylist()} == {day(8), day(9)}


def test_extra_origins_are_sharded_with_the_cut_offs(plan):
    whole = examples_of(plan, Span(day(8), day(10)), every=8)
    per_region = [day(8), day(8) + timedelta(hours=8), day(8) + timedelta(hours=16), day(9)]
    assert [row["cut_at"] for row in whole.to_pylist()] == per_region * 2
    halves = [examples_of(plan, Span(day(8), day(10)), index, 2, every=8) for index in (0, 1)]
    assert pa.concat_tables(halves).to_pylist() == whole.to_pylist()


def test_the_hash_of_a_shard_knows_its_keys_but_not_their_order(plan):
    keys = examples_of(plan, Span(day(8), day(11)))
    backwards = keys.take(pa.array(range(len(keys) - 1, -1, -1)))
    assert shard_hash(keys, "region_id") == shard_hash(backwards, "region_id")
    assert shard_hash(keys, "region_id") != shard_hash(keys.slice(1), "region_id")
    assert shard_hash(keys, "region_id") != shard_hash(pa.concat_tables([keys, keys.slice(0, 1)]), "region_id")


def test_instants_are_read_alike_however_parquet_holds_them(plan, tmp_path):
    """Spark writes INT96 unless told otherwise."""
    table = plan.tables["gold.tiny_load"]
    files = []
    for number, file in enumerate(table.files):
        files.append(str(tmp_path / f"{number}.parquet"))
        pq.write_table(pq.read_table(file), files[-1], use_deprecated_int96_timestamps=number == 0)
    mixed = replace(plan, tables={**plan.tables, table.name: Shard(table.name, 3, tuple(files))})
    assert examples_of(mixed, plan.train).to_pylist() == examples_of(plan, plan.train).to_pylist()


def test_files_may_be_given_as_uris(plan):
    table = plan.tables["gold.tiny_holidays"]
    rows = [
        len(read(replace(table, files=(f"{way}{table.files[0]}",)), ("at",), None)) for way in ("", "file://", "file:")
    ]
    assert rows == [41, 41, 41]


def test_a_column_that_only_newer_files_have_is_null_in_the_older(tmp_path):
    for number, columns in enumerate(({"a": [1]}, {"a": [2], "b": [3.0]})):
        pq.write_table(pa.table(columns), tmp_path / f"{number}.parquet")
    table = Shard("gold.t", 1, (str(tmp_path / "0.parquet"), str(tmp_path / "1.parquet")))
    assert read(table, ("a", "b"), None).to_pylist() == [{"a": 1, "b": None}, {"a": 2, "b": 3.0}]


def test_what_cannot_be_read_is_named(plan):
    with pytest.raises(FitError, match=r"gold\.tiny_load at version 3: no column wind"):
        read(plan.tables["gold.tiny_load"], ("at", "wind"), None)
    with pytest.raises(WarehouseError, match=r"gold\.none at version 2 holds no file"):
        read(Shard("gold.none", 2, ()), ("at",), None)


def test_a_series_is_read_only_where_and_when_it_matters(plan, tmp_path):
    """The file of the other region is damaged; the shard of the first region does not notice."""
    table = plan.tables["gold.tiny_load"]
    broken = tmp_path / "load_b.parquet"
    content = bytearray(Path(table.files[1]).read_bytes())
    content[4:2000] = bytes(1996)
    broken.write_bytes(content)
    damaged = replace(plan, tables={**plan.tables, table.name: replace(table, files=(table.files[0], str(broken)))})
    assert examples_of(damaged, plan.train, 0, 2).to_pylist() == examples_of(plan, plan.train, 0, 2).to_pylist()
    with pytest.raises(WarehouseError, match=r"gold\.tiny_load at version 3 cannot be read: "):
        examples_of(damaged, plan.train, 1, 2)
