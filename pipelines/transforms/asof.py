"""The newest fact known by a cut-off."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.contracts.features import AsOf
from pipelines.contracts.made import by_workers
from pipelines.transforms.newest import newest
from pipelines.transforms.runs import Flags, Places
from pipelines.transforms.time_line import Grid, Stretch, along, time_line

_LOOKS_A_BUCKET = 16
"""Few facts go to two buckets then: one look takes hardly longer in a long bucket than in a short one."""
_ROWS_AT_ONCE = 1 << 16
"""Few enough to stay in a core's own cache, as hardly any are taken along from one stretch to the next."""


def as_of(
    probes: DataFrame,
    facts: DataFrame,
    *,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[AsOf, ...],
    never_null: Collection[str] = (),
) -> DataFrame:
    """Add one column a feature to the probes: the newest value among the facts that had happened and were known by the
    cut-off.

    probes: has `by` and the cut-off `at` (UTC instant). facts: `by`, `event` (when it happened), the features' columns,
    and the two columns `known`: from when to when (null: to this day) they may be used. A null is no value.
    never_null: columns of which every fact has a value, so that one look at the newest fact serves them all.
    Null where nothing was known or the newest is as old as the feature's time to live. Row count is that of probes.
    """
    columns = sorted({feature.column for feature in features})
    together = [column for column in columns if column in never_null]
    groups = [*([together] if together else []), *[[column] for column in columns if column not in never_null]]
    kept, grid = probes.columns, Grid(max(feature.ttl_hours for feature in features), _LOOKS_A_BUCKET)
    values = {_value(column): F.col(column) for column in columns}
    line = time_line(probes, facts, by=by, at=at, event=event, known=known, values=values, grid=grid)

    def answers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = partial(answer, features=features, groups=groups, reach=grid.reach)
        return along(batches, found, by=by, at=at, kept=kept, grid=grid, rows_at_once=_ROWS_AT_ONCE)

    types = facts.select(*columns).schema
    added = [T.StructField(feature.names()[0], types[feature.column].dataType) for feature in features]
    return by_workers(line, answers, T.StructType([*probes.schema.fields, *added]))


def answer(
    stretch: Stretch, features: tuple[AsOf, ...], groups: list[list[str]], reach: int
) -> tuple[dict[str, pa.Array], Flags]:
    """The features of a stretch's probes, and which of its rows they may need later on.

    groups: columns that are all null or none of them. reach: no time to live is longer (microseconds).
    """
    rows, line = stretch.rows, stretch.line
    found: dict[str, Places] = {}
    still = np.zeros(len(rows), np.bool_)
    for group in groups:
        names = [_value(column) for column in group]
        says = np.asarray(pc.is_valid(rows[names[0]]))

        def in_order(some: Places, names: list[str] = names) -> Places:
            told = rows.select(names).take(pa.array(some))
            return np.asarray(pc.sort_indices(told, [(name, "ascending") for name in names])).astype(np.int64)

        seen = newest(line, says, in_order, reach, stretch.low)
        found |= dict.fromkeys(group, seen.fact)
        still |= seen.still
    asked, answers = line.at[line.is_probe], {}
    for feature in features:
        fact = found[feature.column]
        is_fresh = (fact >= 0) & (asked - line.event[fact] < feature.ttl_hours * 3.6e9)
        place = pa.array(fact, mask=~is_fresh)
        answers[feature.names()[0]] = rows[_value(feature.column)].take(place).combine_chunks()
    return answers, still


def _value(column: str) -> str:
    return f"_value {column}"
