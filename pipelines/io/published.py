"""Another domain's published table as a drop: JSON lines, as a source system would have written them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pipelines.contracts.fits import Shard
from pipelines.io import delta_log
from pipelines.io.landing import write_atomically
from pipelines.io.publication import Pin

_PROVENANCE = "ingested_at"


def drop_published(pin: Pin, folder: Path, delivered_at: datetime) -> None:
    """Put what is pinned into `folder` as `<date>-v<version>.jsonl`, unless it is there already; the version is the one
    since which the table holds it, since compaction is no news.

    One object a row, in the order of their text, so that equal content gives equal bytes; provenance is left out.
    What the table no longer holds is simply not said again: a domain that needs withdrawals reads the raw source.
    WarehouseError, and no drop, where the table's files are damaged.
    """
    target = folder / f"{delivered_at.astimezone(UTC):%Y-%m-%d}-v{pin.content}.jsonl"
    if target.exists():
        return
    # Imported here: a run that finds nothing new must not wait for Arrow.
    from pipelines.io.parquet_files import dataset, unreadable_named

    delta_log.must_hold(pin.path, pin.version, pin.rows)
    held = Shard(pin.table, pin.version, delta_log.whole_files(pin.table, pin.path, pin.version))
    files = dataset(held)
    columns = [name for name in files.schema.names if not name.startswith("_") and name != _PROVENANCE]
    with unreadable_named(held):
        rows = files.to_table(columns=columns)
    lines = sorted(json.dumps(row, default=_text, ensure_ascii=False) for row in rows.to_pylist())
    write_atomically(target, "".join(f"{line}\n" for line in lines).encode())


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"a column of {type(value).__name__} cannot be a source of another domain")
