"""Facts and probes on one time line: shuffled and sorted once, and gone along some hundred thousand rows at a time.

The line is sorted by one whole number, which Spark does by its digits, without comparing rows: a part of a hash of the
keys and the bucket of time, a coarse slot of the time within it, and whether the row is a probe. So other keys may lie
in between, and a fact of a slot comes before a probe that it is too late for: what a row is, its own columns say.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from pipelines.transforms.newest import Line
from pipelines.transforms.runs import FOREVER, Flags, Instants, Places

_KIND_BITS, _SLOT_BITS = 2, 33
RUN_BITS = _KIND_BITS + _SLOT_BITS
CARRIED, FACT, PROBE = range(3)
"""What a row is, its lowest bits: a fact in the bucket after the one in which it can first be seen, any other, or a
probe."""
_BEFORE_ALL = -(1 << 61)
"""The cut-off of a probe that has none."""


@dataclass(frozen=True)
class Grid:
    """How a time line is cut. reach_h: how long before a cut-off an event can matter. looks: a bucket is at least so
    many times as long, so that few facts go to two, and a key with most of the facts is the work of several tasks.
    Without end there is one bucket. Instants and spans are microseconds."""

    reach_h: float
    looks: int

    @cached_property
    def reach(self) -> int:
        return 1 << 62 if math.isinf(self.reach_h) else math.ceil(self.reach_h * 3600) * 1_000_000

    @cached_property
    def bucket_bits(self) -> int | None:
        """A bucket is 2 to the power of so many long; None: it is all of time."""
        bits = (self.looks * self.reach).bit_length()
        return bits if bits < 62 else None

    @cached_property
    def slot_bits(self) -> int:
        """The same of a slot."""
        return 64 - _SLOT_BITS if self.bucket_bits is None else max(0, self.bucket_bits + 1 - _SLOT_BITS)

    def bucket(self, at: Instants, is_carried: Flags) -> Places:
        """The buckets of rows that are asked, or can first be seen, at the instants."""
        return np.zeros(len(at), np.int64) if self.bucket_bits is None else (at >> self.bucket_bits) + is_carried

    def begins(self, bucket: Places) -> Instants:
        """When the buckets begin; the one without end is said to at 0."""
        return bucket << (self.bucket_bits or 0)


def time_line(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    values: Mapping[str, Column],
    grid: Grid,
) -> DataFrame:
    """Probes and facts as `along` wants them; a fact once in each bucket where it can be seen.

    Has the columns of probes; of facts, `by` are filled, and `at` with when it happened. Besides, `values` by their
    names, `_known` and `_until` (microseconds; null: to this day), and `_line`, by which it is sorted.
    """
    event_us, known_us, until_us = (F.unix_micros(F.col(name).cast("timestamp")) for name in (event, *known))
    can_be_seen = (F.col("_seen") < F.col("_until")) | F.col("_until").isNull()
    can_be_seen &= F.col("_seen") - F.col("_event") <= grid.reach
    # a join would not take two nulls for one name, and a hash does
    told = facts.dropna(subset=[*by, event, known[0]]).select(
        *by,
        F.col(event).cast("timestamp").alias(at),
        event_us.alias("_event"),
        known_us.alias("_known"),
        until_us.alias("_until"),
        F.greatest(event_us, known_us).alias("_seen"),
        *[value.alias(name) for name, value in values.items()],
    )
    told = told.where(can_be_seen)
    if grid.bucket_bits is None:
        told = told.withColumns(_laid(F.col("_seen"), F.lit(FACT), grid))
    else:
        ends = F.least(F.col("_event"), F.lit(FOREVER - grid.reach)) + grid.reach
        is_in_two = F.shiftright(ends, grid.bucket_bits) > F.shiftright("_seen", grid.bucket_bits)
        kinds = F.when(is_in_two, F.array(F.lit(FACT), F.lit(CARRIED))).otherwise(F.array(F.lit(FACT)))
        told = told.select("*", F.explode(kinds).alias("_kind"))
        told = told.withColumns(_laid(F.col("_seen"), F.col("_kind"), grid)).drop("_kind")
    asked = probes.withColumns(_laid(F.coalesce(F.unix_micros(at), F.lit(_BEFORE_ALL)), F.lit(PROBE), grid))
    line = asked.unionByName(told.drop("_event", "_seen"), allowMissingColumns=True)
    # of the union, in which the keys of both are of one type
    run = F.xxhash64(*by, "_bucket").bitwiseAND(F.lit(-(1 << RUN_BITS)))
    line = line.withColumn("_line", run.bitwiseOR(F.col("_line"))).drop("_bucket")
    return line.repartition(F.shiftright("_line", RUN_BITS)).sortWithinPartitions("_line")


def _laid(at: Column, kind: Column, grid: Grid) -> dict[str, Column]:
    """`_bucket`, and `_line` without the hash, of a row that is asked, or can first be seen, `at` (microseconds)."""
    if grid.bucket_bits is None:
        bucket, slot = F.lit(0).cast("long"), F.shiftright(at, grid.slot_bits) + (1 << (_SLOT_BITS - 1))
    else:
        bucket = F.shiftright(at, grid.bucket_bits) + (kind == CARRIED).cast("long")
        # what is carried was seen before the bucket begins, but not by more than the reach
        slot = F.shiftright(at + grid.reach - F.shiftleft(bucket, grid.bucket_bits), grid.slot_bits)
    return {"_bucket": bucket, "_line": F.shiftleft(slot, _KIND_BITS).bitwiseOR(kind.cast("long"))}


@dataclass(frozen=True)
class Stretch:
    """Some of a time line, and what of the rows before it still matters. rows: as `time_line` gives them, but in one
    piece. low: for each row an instant; whatever comes later on the line and is of the same group is later than that,
    if the row is of the run that the stretch ends in."""

    rows: pa.Table
    line: Line
    low: Instants


Answer = Callable[[Stretch], tuple[dict[str, pa.Array], Flags]]
"""The columns of a stretch's probes, and for each of its rows whether it is a fact that still matters after `low`."""


def along(
    batches: Iterator[pa.RecordBatch],
    answer: Answer,
    *,
    by: list[str],
    at: str,
    kept: list[str],
    grid: Grid,
    rows_at_once: int,
) -> Iterator[pa.RecordBatch]:
    """The `kept` columns of the probes of a time line, with the columns of the answers."""
    held: list[pa.RecordBatch] = []
    for some in _some(batches, rows_at_once):
        rows = pa.Table.from_batches([*held, *some]).combine_chunks()
        stretch, run = _stretch(rows, by, at, grid), np.asarray(rows["_line"]) >> RUN_BITS
        found, still = answer(stretch)
        probes = rows.select(kept).filter(pa.array(stretch.line.is_probe))
        for name, values in found.items():
            probes = probes.append_column(name, values)
        yield from probes.to_batches()
        # what lies in between counts by the hash, not by the key
        held = rows.filter(pa.array(still & (run == run[-1]))).to_batches()


def _some(batches: Iterator[pa.RecordBatch], rows_at_once: int) -> Iterator[list[pa.RecordBatch]]:
    some: list[pa.RecordBatch] = []
    count = 0
    for batch in batches:
        some.append(batch)
        count += len(batch)
        if count >= rows_at_once:
            yield some
            some, count = [], 0
    if count:
        yield some


def _stretch(rows: pa.Table, by: list[str], at: str, grid: Grid) -> Stretch:
    told = np.asarray(pc.fill_null(rows[at].cast(pa.int64()), _BEFORE_ALL))
    known, until = (np.asarray(pc.fill_null(rows[name], FOREVER)) for name in ("_known", "_until"))
    kind = np.asarray(rows["_line"]) & ((1 << _KIND_BITS) - 1)
    is_probe = kind == PROBE
    moment = np.where(is_probe, told, np.maximum(told, known))
    bucket = grid.bucket(moment, kind == CARRIED)
    line = Line(_groups(rows, by, bucket), moment, is_probe, told, known, until)
    # other buckets may lie in between, and slots are counted from where each begins
    begins = grid.begins(bucket)
    return Stretch(rows, line, begins + (moment[-1] - begins[-1] - (1 << grid.slot_bits)))


def _groups(rows: pa.Table, by: list[str], bucket: Places) -> Places:
    """Of each row the number of its keys and bucket; in order along the line, where no others lie in between."""
    runs = [pc.run_end_encode(rows[key].combine_chunks(), run_end_type=pa.int64()).run_ends for key in by]
    ends = [np.flatnonzero(bucket[1:] != bucket[:-1]) + 1, np.array([len(rows)]), *map(np.asarray, runs)]
    past = np.unique(np.concatenate(ends))
    first = np.concatenate([[0], past[:-1]])
    code = np.unique(bucket[first], return_inverse=True)[1]
    for key in by:
        names = rows[key].take(pa.array(first)).combine_chunks().dictionary_encode(null_encoding="encode")
        code = np.unique(code * len(names.dictionary) + np.asarray(names.indices), return_inverse=True)[1]
    is_alone = len(first) == (code.max() + 1)
    return np.repeat(np.arange(len(first)) if is_alone else code, past - first)
