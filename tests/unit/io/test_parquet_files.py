"""Spark's and Arrow's files of one table, opened alike; another domain's table as a drop."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contracts.fits import Shard
from pipelines.io import delta_log
from pipelines.io.failures import WarehouseError
from pipelines.io.parquet_files import dataset, unreadable_named
from pipelines.io.publication import Pin
from pipelines.io.published import drop_published
from tests.frames import frame

INSTANT = pa.timestamp("us", tz="UTC")
COLUMNS = "region_id string, happened_at timestamp, load_mw double, ingested_at timestamp, _batch int"
ROWS = [
    ("a", "2014-01-01 05:30:00.25", 12.5, "2024-01-01 00:00:00", 1),
    ("b", "1600-02-29 00:00:00", None, "2024-01-01 00:00:00", 1),
    ("c", "9999-12-31 23:59:59.999999", -1.0, "2024-01-01 00:00:00", 1),
]
DELIVERED_AT = datetime(2024, 1, 2, tzinfo=UTC)


@pytest.fixture(params=["INT96", "TIMESTAMP_MICROS"])
def pin(request: pytest.FixtureRequest, spark, tmp_path: Path) -> Pin:
    """A table of two files that Spark wrote, with instants that nanoseconds could not hold."""
    path = str(tmp_path / "silver" / "energy_load")
    setting = "spark.sql.parquet.outputTimestampType"
    spark.conf.set(setting, request.param)
    try:
        for rows in (ROWS[:1], ROWS[1:]):
            frame(spark, COLUMNS, rows).coalesce(1).write.format("delta").mode("append").save(path)
    finally:
        spark.conf.unset(setting)
    return Pin("silver.energy_load", "energy", path, 1, 1, rows=3, is_published=True, content=1)


def shard(pin: Pin) -> Shard:
    return Shard(pin.table, pin.version, delta_log.files(pin.path, pin.version))


def test_instants_are_microseconds_in_utc_however_spark_wrote_them(pin: Pin) -> None:
    found = dataset(shard(pin)).to_table(columns=["region_id", "happened_at"]).sort_by("region_id")
    assert found.schema.field("happened_at").type == INSTANT
    assert found["happened_at"].to_pylist() == [
        datetime(2014, 1, 1, 5, 30, 0, 250_000, tzinfo=UTC),
        datetime(1600, 2, 29, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ]


def test_a_table_that_spark_wrote_is_dropped_with_its_instants_and_without_provenance(pin: Pin, tmp_path: Path) -> None:
    drop_published(pin, tmp_path / "drop", DELIVERED_AT)
    lines = (tmp_path / "drop" / "2024-01-02-v1.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"region_id": "a", "happened_at": "2014-01-01T05:30:00.250000+00:00", "load_mw": 12.5},
        {"region_id": "b", "happened_at": "1600-02-29T00:00:00+00:00", "load_mw": None},
        {"region_id": "c", "happened_at": "9999-12-31T23:59:59.999999+00:00", "load_mw": -1.0},
    ]


def truncated(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


def flipped(file: Path) -> None:
    """One bit of the first page's values, which only a checksum can tell."""
    content = bytearray(file.read_bytes())
    column = pq.ParquetFile(file).metadata.row_group(0).column(0)
    content[(column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize("damage", [truncated, flipped, Path.unlink])
def test_what_arrow_cannot_read_is_named_even_without_checksum_files(
    pin: Pin, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    for side in Path(pin.path).glob(".*.crc"):
        side.unlink()
    damage(next(Path(pin.path).glob("*.parquet")))
    for _ in range(2):
        with pytest.raises(WarehouseError, match=r"silver\.energy_load(:| at version 1 cannot be read: ).*copy"):
            drop_published(pin, tmp_path / "drop", DELIVERED_AT)
    assert not (tmp_path / "drop").exists()
    with pytest.raises(WarehouseError, match=r"^silver\.energy_load at version 1 cannot be read: "):
        table = shard(pin)
        opened = dataset(table)
        with unreadable_named(table):
            opened.to_table()


def test_a_version_without_files_is_named() -> None:
    with pytest.raises(WarehouseError, match=r"^gold\.none at version 2 holds no file$"):
        dataset(Shard("gold.none", 2, ()))
