"""Time lines in plain Python, laid as Spark lays them, but with any hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from pipelines.transforms.time_line import CARRIED, FACT, PROBE, RUN_BITS, Answer, Grid, along

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)


def laid(
    facts: list[dict[str, Any]], probes: list[dict[str, Any]], grid: Grid, run_of: Callable[[Any, int], int]
) -> list[dict[str, Any]]:
    """facts: `who`, `event`, `known`, `until` (microseconds; None: to this day) and what they say. probes: `who`,
    `cut_at`. run_of: a whole number of a key and a bucket, of at most 29 bits."""
    rows = []
    for fact in facts:
        seen = max(fact["event"], fact["known"])
        if seen - fact["event"] > grid.reach or (fact["until"] is not None and fact["until"] <= seen):
            continue
        ahead = 0 if grid.bucket_bits is None else (fact["event"] + grid.reach >> grid.bucket_bits)
        is_in_two = grid.bucket_bits is not None and ahead > seen >> grid.bucket_bits
        said = {name: value for name, value in fact.items() if name not in ("event", "known", "until")}
        said |= {"cut_at": fact["event"], "_known": fact["known"], "_until": fact["until"]}
        for kind in (FACT, CARRIED) if is_in_two else (FACT,):
            rows.append(said | {"_line": _line(fact["who"], seen, kind, grid, run_of)})
    for asked, probe in enumerate(probes):
        rows.append(probe | {"asked": asked, "_line": _line(probe["who"], probe["cut_at"], PROBE, grid, run_of)})
    return sorted(rows, key=lambda row: row["_line"])


def _line(who: Any, at: int, kind: int, grid: Grid, run_of: Callable[[Any, int], int]) -> int:
    if grid.bucket_bits is None:
        bucket, slot = 0, (at >> grid.slot_bits) + (1 << 32)
    else:
        bucket = (at >> grid.bucket_bits) + (kind == CARRIED)
        slot = at + grid.reach - (bucket << grid.bucket_bits) >> grid.slot_bits
    assert 0 <= slot < 1 << 33
    return run_of(who, bucket) << RUN_BITS | slot << 2 | kind


def answered(
    rows: list[dict[str, Any]], types: dict[str, pa.DataType], answer: Answer, grid: Grid, at_once: int, in_a_batch: int
) -> list[dict[str, Any]]:
    """What the probes of a time line are answered, in the order in which they were given. types: of what facts say."""
    instant, whole = pa.timestamp("us", tz="UTC"), pa.int64()
    names = {"who": pa.string(), "cut_at": instant, "_known": whole, "_until": whole, "_line": whole, "asked": whole}
    table = pa.table({name: pa.array([row.get(name) for row in rows], of) for name, of in (names | types).items()})

    def batches() -> Iterator[pa.RecordBatch]:
        yield from table.to_batches(max_chunksize=in_a_batch)

    found = along(batches(), answer, by=["who"], at="cut_at", kept=["asked"], grid=grid, rows_at_once=at_once)
    return sorted((row for batch in found for row in batch.to_pylist()), key=lambda row: row["asked"])
