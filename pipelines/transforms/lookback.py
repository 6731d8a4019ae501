"""What had happened in the hours up to a cut-off and was known by it, for all features of a table in one go."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.contracts.features import Windowed
from pipelines.transforms.runs import FOREVER, Places
from pipelines.transforms.windows import Asked, Told, windows

_LOOKS_A_BUCKET = 4
"""A bucket is so many times as long as the longest look-back: a fifth of the facts goes to two of them then, and an
entity with most of the facts is still the work of several tasks."""


def look_back(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[Windowed, ...],
) -> DataFrame:
    """Add one column (double) a feature to the probes; null where nothing was known, 0 for a count. Row count is that
    of probes.

    probes: may repeat (`by`, `at`), as where facts are about all entities alike. facts: `by`, `event`, the features'
    columns, and the two columns `known`: from when to when (null: to this day) they may be used. A value that is not
    finite counts as none.

    Facts and probes are shuffled and sorted once, by `by` and by buckets of time, and lie on a time line then. A task
    goes along it some hundred thousand rows at a time, and takes along what still matters.
    """
    longest_s = max(1, *[math.ceil(feature.reach_h * 3600) for feature in features])
    keys, kept = [*by, "_bucket"], probes.columns
    line = _time_line(probes, facts, keys, at, event, known, {feature.column for feature in features}, longest_s)
    names = [name for feature in features for name in feature.names()]

    def answers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in along(batches, keys, features, longest_s):
            yield from table.select([*kept, *names]).to_batches()

    added = [T.StructField(name, T.DoubleType()) for name in names]
    return line.mapInArrow(answers, T.StructType([*probes.schema.fields, *added]))


def _time_line(
    probes: DataFrame,
    facts: DataFrame,
    keys: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    columns: set[str],
    longest_s: int,
) -> DataFrame:
    """Probes and facts, each `_at` when it is asked, or can first be seen; a fact once in each bucket where it can."""
    *by, in_bucket = keys
    seen_at, happens_s = F.greatest(event, known[0]), F.unix_seconds(event)

    def bucket(instant_s: Column) -> Column:
        return F.floor(instant_s / (_LOOKS_A_BUCKET * longest_s)).cast("int")

    is_ever_seen = F.coalesce(seen_at < F.col(known[1]), F.lit(True))
    is_ever_seen &= F.unix_seconds(seen_at) <= happens_s + longest_s
    told = facts.dropna(subset=[*by, event]).where(is_ever_seen)
    told = told.select(
        *by,
        F.explode(F.sequence(bucket(F.unix_seconds(seen_at)), bucket(happens_s + longest_s))).alias(in_bucket),
        F.unix_micros(seen_at).alias("_at"),
        F.lit(False).alias("_is_probe"),
        F.unix_micros(event).alias("_event"),
        F.unix_micros(known[0]).alias("_known"),
        F.coalesce(F.unix_micros(known[1]), F.lit(FOREVER)).alias("_until"),
        *[F.col(column).cast("double").alias(_number(column)) for column in sorted(columns)],
    )
    asked = {in_bucket: bucket(F.unix_seconds(at)), "_at": F.unix_micros(at), "_is_probe": F.lit(True)}
    line = probes.withColumns(asked).unionByName(told, allowMissingColumns=True)
    # numbers are compared much faster than names that begin alike
    hashed = line.withColumn("_hash", F.xxhash64(*keys)).repartition("_hash")
    return hashed.sortWithinPartitions("_hash", *keys, "_at", "_is_probe").drop("_hash")


def _number(column: str) -> str:
    return f"_number {column}"


def along(
    batches: Iterator[pa.RecordBatch],
    keys: list[str],
    features: tuple[Windowed, ...],
    longest_s: int,
    rows_at_once: int = 1 << 18,
) -> Iterator[pa.Table]:
    """The probes of a time line with their features.

    batches: equal keys side by side, in order of (`_at`, `_is_probe`). longest_s: how long before a cut-off an event
    can matter to the features (seconds).
    """
    held: pa.Table | None = None
    for rows in _tables(batches, rows_at_once):
        rows = rows if held is None else pa.concat_tables([held, rows]).combine_chunks()
        group, is_probe = _groups(rows, keys), rows["_is_probe"].to_numpy()
        facts, probes = rows.filter(pa.array(~is_probe)), rows.filter(pa.array(is_probe))
        event, known, until = (facts[name].to_numpy() for name in ("_event", "_known", "_until"))
        numbers = {feature.column: facts[_number(feature.column)].to_numpy() for feature in features}
        told = Told(group[~is_probe], event, known, until, numbers)
        for name, values in windows(told, Asked(group[is_probe], probes["_at"].to_numpy()), features).items():
            probes = probes.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
        yield probes
        now = rows["_at"][-1].as_py()
        can_still_be_seen = (until > now) & (event >= now - longest_s * 1_000_000)
        held = facts.filter(pa.array((told.entity == group[-1]) & can_still_be_seen))


def _tables(batches: Iterator[pa.RecordBatch], rows_at_once: int) -> Iterator[pa.Table]:
    held: list[pa.RecordBatch] = []
    for batch in batches:
        held.append(batch)
        if sum(len(part) for part in held) >= rows_at_once:
            yield pa.Table.from_batches(held).combine_chunks()
            held = []
    if any(len(part) for part in held):
        yield pa.Table.from_batches(held).combine_chunks()


def _groups(rows: pa.Table, keys: list[str]) -> Places:
    """Of each row the number of its group; rows with equal keys lie side by side."""
    runs = [pc.run_end_encode(rows[key].combine_chunks(), run_end_type=pa.int64()).run_ends for key in keys]
    ends = np.unique(np.concatenate([np.asarray(each) for each in runs]))
    return np.searchsorted(ends, np.arange(len(rows)), "right")
