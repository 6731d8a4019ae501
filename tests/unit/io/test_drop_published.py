"""Another domain's table as a drop: the same lines however its files hold an instant."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pipelines.io.publication import Pin
from pipelines.io.published import drop_published


def test_instants_are_dropped_alike_from_older_files_and_newer_ones(spark, tmp_path: Path) -> None:
    path = str(tmp_path / "days")
    kinds = ("INT96", "TIMESTAMP_MICROS")
    before = spark.conf.get("spark.sql.parquet.outputTimestampType")
    try:
        for number, kind in enumerate(kinds):
            spark.conf.set("spark.sql.parquet.outputTimestampType", kind)
            rows = spark.sql(f"select {number} as id, timestamp'2014-02-01 12:30:00' as at, 'x' as _batch")
            rows.write.format("delta").mode("append").save(path)
    finally:
        spark.conf.set("spark.sql.parquet.outputTimestampType", before)
    pin = Pin("silver.energy_days", "energy", path, version=1, base=1, rows=2, is_published=True, content=1)
    drop_published(pin, tmp_path / "drops", datetime(2014, 2, 2, tzinfo=UTC))
    assert (tmp_path / "drops/2014-02-02-v1.jsonl").read_text().splitlines() == [
        '{"id": 0, "at": "2014-02-01T12:30:00+00:00"}',
        '{"id": 1, "at": "2014-02-01T12:30:00+00:00"}',
    ]
