"""What had happened in the hours up to a cut-off and was known by it, for all features of a table in one go."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.contracts.features import Windowed
from pipelines.contracts.made import by_workers
from pipelines.transforms.runs import Flags
from pipelines.transforms.time_line import Grid, Stretch, along, time_line
from pipelines.transforms.windows import Asked, Told, windows

_LOOKS_A_BUCKET = 4
"""A fifth of the facts goes to two buckets then: a feature looks at many facts, and a bucket's are one task's."""
_ROWS_AT_ONCE = 1 << 18
"""Many, as a window's facts are taken along from one stretch to the next."""


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
    """
    kept, grid = probes.columns, Grid(max(feature.reach_h for feature in features), _LOOKS_A_BUCKET)
    numbers = {_number(feature.column): F.col(feature.column).cast("double") for feature in features}
    line = time_line(probes, facts, by=by, at=at, event=event, known=known, values=numbers, grid=grid)

    def answers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = partial(answer, features=features, reach=grid.reach)
        return along(batches, found, by=by, at=at, kept=kept, grid=grid, rows_at_once=_ROWS_AT_ONCE)

    added = [T.StructField(name, T.DoubleType()) for feature in features for name in feature.names()]
    return by_workers(line, answers, T.StructType([*probes.schema.fields, *added]))


def answer(stretch: Stretch, features: tuple[Windowed, ...], reach: int) -> tuple[dict[str, pa.Array], Flags]:
    """The features of a stretch's probes, and which of its rows they may need later on. reach: how long before a
    cut-off an event can matter to them (microseconds)."""
    line, facts = stretch.line, np.flatnonzero(~stretch.line.is_probe)
    numbers = {
        feature.column: stretch.rows[_number(feature.column)].to_numpy(zero_copy_only=False)[facts]
        for feature in features
    }
    group, event, known, until = (of[facts] for of in (line.group, line.event, line.known, line.until))
    told = Told(group, event, known, until, numbers)
    asked = Asked(line.group[line.is_probe], line.at[line.is_probe])
    found = windows(told, asked, features)
    names = [name for feature in features for name in feature.names()]
    still = ~line.is_probe & (line.until > stretch.low) & (line.event >= stretch.low - reach)
    return {name: pa.array(found[name], pa.float64(), from_pandas=True) for name in names}, still


def _number(column: str) -> str:
    return f"_number {column}"
