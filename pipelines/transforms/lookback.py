"""What had happened in the hours up to a cut-off and was known by it, for all features of a table in one go."""

from __future__ import annotations

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

_LOOKS_A_BUCKET = 4  # a fifth of the facts goes to two buckets then, and the longest history to one task's memory never
_ROWS_AT_ONCE = 1 << 18


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

    Facts and probes are shuffled and sorted once, by `by` and by buckets of time a few times as long as the longest
    look-back, and each task hands them to the kernel some hundred thousand at a time.
    """
    columns = sorted({feature.column for feature in features})
    longest_s = max(1, *[round(feature.reach_h * 3600) for feature in features])

    def bucket(instant_s: Column) -> Column:
        return F.floor(instant_s / (_LOOKS_A_BUCKET * longest_s))

    event_s = F.unix_seconds(event)
    told = facts.dropna(subset=[*by, event]).select(
        *by,
        F.explode(F.sequence(bucket(event_s), bucket(event_s + longest_s))).alias("_bucket"),
        F.lit(False).alias("_is_probe"),
        F.unix_micros(event).alias("_at"),
        F.unix_micros(known[0]).alias("_known"),
        F.coalesce(F.unix_micros(known[1]), F.lit(FOREVER)).alias("_until"),
        *[F.col(column).cast("double").alias(f"_of_{column}") for column in columns],
    )
    asked = {"_bucket": bucket(F.unix_seconds(at)), "_is_probe": F.lit(True), "_at": F.unix_micros(at)}
    line = probes.withColumns(asked).unionByName(told, allowMissingColumns=True)
    keys = [*by, "_bucket"]
    in_order = line.repartition(*keys).sortWithinPartitions(*keys, "_is_probe", "_at")
    kept, names = probes.columns, [name for feature in features for name in feature.names()]

    def answers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for rows, group in _by_groups(batches, keys):
            is_probe = np.asarray(rows["_is_probe"])
            about = rows.filter(pa.array(~is_probe))
            happened, known_at, until = (np.asarray(about[name]) for name in ("_at", "_known", "_until"))
            values = {column: about[f"_of_{column}"].to_numpy() for column in columns}
            whose = rows.filter(pa.array(is_probe))
            found = windows(
                Told(group[~is_probe], happened, known_at, until, values),
                Asked(group[is_probe], np.asarray(whose["_at"])),
                features,
            )
            made = whose.select(kept)
            for name in names:
                made = made.append_column(name, pa.array(found[name], pa.float64(), from_pandas=True))
            yield from made.to_batches()

    schema = T.StructType([*probes.schema.fields, *[T.StructField(name, T.DoubleType()) for name in names]])
    return in_order.mapInArrow(answers, schema)


def _by_groups(batches: Iterator[pa.RecordBatch], keys: list[str]) -> Iterator[tuple[pa.Table, Places]]:
    """Rows that lie in order of the keys, in tables that cut no group of equal keys, and each row's group by number."""
    held: list[pa.RecordBatch] = []
    enough = _ROWS_AT_ONCE
    for batch in batches:
        held.append(batch)
        if sum(len(part) for part in held) < enough:
            continue
        rows, ends = _ends(held, keys)
        enough = 2 * len(rows)  # a group longer than that
        if len(ends) > 1:
            yield rows.slice(0, ends[-2]), np.searchsorted(ends, np.arange(ends[-2]), "right")
            held, enough = rows.slice(ends[-2]).to_batches(), _ROWS_AT_ONCE
    if held:
        rows, ends = _ends(held, keys)
        yield rows, np.searchsorted(ends, np.arange(len(rows)), "right")


def _ends(batches: list[pa.RecordBatch], keys: list[str]) -> tuple[pa.Table, Places]:
    """The rows, and behind which of them a group of equal keys ends."""
    rows = pa.Table.from_batches(batches).combine_chunks()
    runs = [pc.run_end_encode(rows[key].combine_chunks(), run_end_type=pa.int64()).run_ends for key in keys]
    return rows, np.unique(np.concatenate([np.asarray(ends) for ends in runs]))
