"""Files that join a table without Spark: Spark and the log say the same of them as of Spark's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import fs
from pyspark.sql import SparkSession

from pipelines.contracts.deliveries import Brought
from pipelines.contracts.sources import Source
from pipelines.io import delta_commits, delta_log, new_files, records
from pipelines.io.delta import Warehouse
from pipelines.io.failures import WarehouseError
from pipelines.io.integrity import must_be_whole
from pipelines.io.ledger import Ledger
from pipelines.io.new_files import NewFile
from pipelines.io.publication import Publication
from pipelines.io.row_marks import marked
from pipelines.stages.bronze import keep
from pipelines.transforms.contract import delivered_fields
from tests.stores import serving

READINGS = "bronze.energy_readings"
COLUMNS = pa.schema([("id", pa.int64()), ("note", pa.string()), ("fields", pa.map_(pa.string(), pa.string()))])
Row = tuple[int | None, str | None, dict[str, str | None] | None]


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse:
    return Warehouse(lambda: spark, str(tmp_path), Ledger(str(tmp_path / "ledger.db")))


def files_of(*rows: Row, columns: pa.Schema = COLUMNS) -> Callable[[str], Sequence[NewFile]]:
    """Makes a file of these rows."""
    dicts = [dict(zip(columns.names, row, strict=True)) for row in rows]
    return lambda folder: new_files.write(folder, columns, [pa.RecordBatch.from_pylist(dicts, columns)])


def add(warehouse: Warehouse, *rows: Row, columns: pa.Schema = COLUMNS) -> None:
    attempt = warehouse.open_attempt("energy", "ingest")
    warehouse.add(attempt, READINGS, columns, "write", files_of(*rows, columns=columns))
    warehouse.publish(attempt, Publication())


def rows(warehouse: Warehouse) -> list[Row]:
    return sorted((tuple(row) for row in warehouse.read(READINGS).collect()), key=repr)


def test_what_was_added_is_read_counted_and_known_by_its_bounds(warehouse, tmp_path):
    path, long = str(tmp_path / "bronze" / "energy_readings"), "n" * 65
    add(warehouse, (1, "a", {"x": "1", "y": None}), (3, None, None))
    add(warehouse)
    add(warehouse, (2, long, {}))
    assert rows(warehouse) == [(1, "a", {"x": "1", "y": None}), (2, long, {}), (3, None, None)]
    assert warehouse.read(READINGS).where("id = 3").count() == 1
    assert delta_log.tally(path, 3) == (3, {"fields": 1, "note": 1})
    told = [(f["min.id"], f["max.id"], f.get("max.note")) for f in delta_log.statistics(path, 3)]
    assert sorted(told) == [(1, 3, "a"), (2, 2, None)]
    # a file that Spark rewrites holds the same by the same statistics
    attempt = warehouse.open_attempt("energy", "maintain")
    warehouse.compact(attempt, READINGS)
    assert warehouse.publish(attempt, Publication())[READINGS].content == 3


def test_a_damaged_file_is_found_by_its_checksums(warehouse, spark, tmp_path):
    add(warehouse, (1, "a", None))
    (file,) = (tmp_path / "bronze" / "energy_readings").glob("*.parquet")
    must_be_whole(READINGS, [str(file)])
    content = bytearray(file.read_bytes())
    content[8] ^= 1
    file.write_bytes(content)
    with pytest.raises(WarehouseError, match="does not match its checksums"):
        must_be_whole(READINGS, [str(file)])


def test_a_repeated_transaction_adds_nothing(warehouse, tmp_path):
    path = str(tmp_path / "bronze" / "energy_readings")
    add(warehouse, (1, "a", None))
    files = files_of((1, "a", None))(path)
    for _ in range(2):
        delta_commits.put(path, files, (f"{READINGS}/write", 1), "headrace attempt 1")
    assert delta_log.head(path) == 1


def test_every_tenth_version_has_a_checkpoint_from_which_spark_reads(warehouse, tmp_path):
    log = tmp_path / "bronze" / "energy_readings" / "_delta_log"
    for number in range(12):
        add(warehouse, (number, None, None))
    assert [file.name for file in log.glob("*.parquet")] == ["00000000000000000010.checkpoint.parquet"]
    assert (log / ".00000000000000000010.checkpoint.parquet.crc").exists()
    for version in range(10):  # a reader that needs them would fail now
        (log / f"{version:020}.json").unlink()
    assert [row[0] for row in rows(warehouse)] == [0, 1, 10, 11, 2, 3, 4, 5, 6, 7, 8, 9]


def test_new_columns_are_added_and_another_type_is_refused(warehouse):
    add(warehouse, (1, "a", None))
    wider = COLUMNS.append(pa.field("at", pa.timestamp("us", tz="UTC")))
    add(warehouse, (2, "b", None, datetime(2024, 1, 1, tzinfo=UTC)), columns=wider)
    assert [row[3] and row[3].year for row in rows(warehouse)] == [None, 2024]
    other = pa.schema([("id", pa.string())])
    with pytest.raises(WarehouseError, match="'id' is held as long, but comes as string"):
        add(warehouse, ("1",), columns=other)


@pytest.mark.parametrize("is_here", [True, False])
def test_records_are_kept_and_counted_as_they_would_be_in_the_table(warehouse, spark, tmp_path, is_here):
    texts = {"a.csv": 'p,q\n1,2\n"3",4\n5\n', "b.csv": "p,r\n1,2\n", "c.jsonl": '{"p": 1}\n{"s": null}\n'}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    raw = [
        records.RawFile(name, str(tmp_path / name), "ab" * 32, Source("s", format=name.split(".")[1]), 0)
        for name in texts
    ]
    stamped = partial(keep, batch=1, attempt=2, ingested_at=datetime(2024, 1, 1, tzinfo=UTC))
    brought: list[Brought] = []

    def write(folder: str) -> Sequence[NewFile]:
        files, counted = (
            records.keep_here(raw, folder, stamped) if is_here else records.keep(spark, raw, folder, stamped)
        )
        brought.extend(counted)
        return files

    attempt = warehouse.open_attempt("energy", "ingest")
    warehouse.add(attempt, READINGS, records.kept_schema(stamped), "write", write)
    kept = warehouse.read(READINGS, attempt=attempt)
    assert kept.select("_file", "_raw", "_header").count() == 6
    lines = delivered_fields(kept).collect()
    assert set(brought) == {Brought(of["_file"], of["header"], of["records"], frozenset(of["fields"])) for of in lines}
    assert {(b.file, b.header, b.records): set(b.fields) for b in brought} == {
        ("a.csv", ",p,q", 1): set(),
        ("a.csv", "\x1fp\x1fq", 1): set(),
        ("a.csv", None, 1): set(),
        ("b.csv", ",p,r", 1): set(),
        ("c.jsonl", None, 2): {"p", "s"},
    }


def test_in_an_object_store_files_are_written_written_anew_without_some_rows_and_deleted(monkeypatch):
    columns = pa.schema([("id", pa.int64()), ("at", pa.timestamp("us", tz="UTC"))])
    rows = [{"id": n, "at": datetime(2024, 1, 1, n, tzinfo=UTC)} for n in range(4)]
    folder = "s3a://lake/silver/energy_load"
    with serving(monkeypatch, "lake") as store:
        (file,) = new_files.write(folder, columns, [pa.RecordBatch.from_pylist(rows, columns)])
        gone = [marked(np.array([0])), marked(np.array([2]))]
        (left,) = new_files.write_without(folder, file.path, gone, columns)
        assert pq.read_table(f"lake/silver/energy_load/{left.path}", filesystem=store).to_pylist() == [rows[1], rows[3]]
        assert new_files.write_without(folder, file.path, [marked(np.arange(4))], columns) == ()
        new_files.remove(folder, [file, left])
        lying = store.get_file_info(fs.FileSelector("lake", recursive=True))
        assert [info.path for info in lying if info.type == fs.FileType.File] == []


def test_parquet_looks_for_repeated_values_only_where_there_are_any(tmp_path):
    rows = [
        {
            "id": i,
            "kind": "ab"[i % 2],
            "none": None,
            "void": None,
            "fields": [("a", f"{i}")],
            "tags": [f"{i}"],
            "at": {"x": 0.5, "y": i},
        }
        for i in range(100)
    ]
    point = pa.struct([("x", pa.float64()), ("y", pa.int64())])
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("kind", pa.string()),
            ("none", pa.string()),
            ("void", pa.null()),
            ("fields", pa.map_(pa.string(), pa.string())),
            ("tags", pa.list_(pa.string())),
            ("at", point),
        ]
    )
    [file] = new_files.write(str(tmp_path), schema, [pa.RecordBatch.from_pylist(rows, schema)])
    group = pq.ParquetFile(tmp_path / file.path).metadata.row_group(0)
    columns = [group.column(number) for number in range(group.num_columns)]
    looked = {column.path_in_schema for column in columns if column.has_dictionary_page}
    assert looked == {"kind", "none", "fields.key_value.key", "fields.key_value.value", "at.x"}
    assert pq.read_table(tmp_path / file.path).to_pylist() == rows
