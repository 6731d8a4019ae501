"""leakcheck: whether a cut-off's features are the same when nothing is there that became known after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import pairwise
from types import MappingProxyType

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import Frame
from pipelines.contracts.records import Compute
from pipelines.contracts.tasks import ByHash, Events, Task
from pipelines.stages import gold
from pipelines.transforms.examples import INSTANT, LABEL, examples

ROWS = "the cut-offs themselves"


def as_known_at(
    domain: Domain,
    task: Task,
    silver: Mapping[str, DataFrame],
    history: Mapping[str, DataFrame],
    at: datetime,
    since: datetime,
    computed: Mapping[str, Compute] = MappingProxyType({}),
) -> DataFrame:
    """The task's cut-offs from `since` to `at` with their features, made anew on the day `at`: whatever became known
    later, corrections and withdrawals included, is left out of the tables before anything is computed.

    silver, history, computed: as gold's `known` takes them.
    """
    held = gold.known(domain, silver, history, known_by=at, computed=computed)
    return gold.cut_offs(domain, task, held, at, since=since)


def differences(held: DataFrame, again: DataFrame, entity: str) -> DataFrame:
    """One row: by feature, in how many rows two makings of the same cut-offs differ; ROWS: cut-offs of one alone."""
    key, features = [entity, "cut_at"], [name for name in held.columns if name not in (entity, "cut_at")]
    one, other = (
        frame.select(*key, F.lit(True).alias(f"is_{n}"), *[F.col(name).alias(f"{n} {name}") for name in features])
        for n, frame in enumerate((held, again))
    )
    both = one.join(other, key, "full_outer")
    is_alone = F.col("is_0").isNull() | F.col("is_1").isNull()
    differs = [
        F.count_if(~is_alone & ~F.col(f"0 {name}").eqNullSafe(F.col(f"1 {name}"))).alias(name) for name in features
    ]
    return both.agg(F.count("*").alias("rows"), F.count_if(is_alone).alias(ROWS), *differs)


def looked_up_differences(
    cut_offs: pa.Table, series: Mapping[str, pa.Table], frame: Frame, at: datetime
) -> Iterator[tuple[str, int]]:
    """(feature, rows that differ) for what is looked up in series at target times or as windows.

    cut_offs: none after `at`. series: as `examples` takes them.
    """
    held = examples(cut_offs, series, frame)
    again = examples(cut_offs, {name: _known_by(rows, at) for name, rows in series.items()}, frame)
    for name in held.column_names:
        if name not in (frame.entity, "cut_at", LABEL, *frame.cut_off_features):
            pairs = zip(held[name].to_pylist(), again[name].to_pylist(), strict=True)
            yield name, sum(one != other for one, other in pairs)


def late_labels(label: pd.DataFrame, cut_offs: pd.DataFrame, task: Task) -> Iterator[tuple[str, int, int]]:
    """(span, labels that became known only when the next span had begun, labels) for each span that has such labels.

    label: the label's series: entity, `at`, `known_at`, the label. cut_offs: entity, `cut_at`.
    """
    if isinstance(task.split, ByHash):
        return
    entity, known = task.spine.entity, label[label[task.column].notna()]
    if isinstance(task.spine, Events):
        known = known.merge(cut_offs, on=entity)
    else:
        known = known.assign(cut_at=known["at"])
    # a correction is another statement; an answer was there with the first
    first = known.groupby([entity, "cut_at"], as_index=False)["known_at"].min()
    for (name, span), (_, later) in pairwise(task.split.spans.items()):
        inside = first[(first["cut_at"] >= span.start) & (first["cut_at"] < span.end)]
        late = int((inside["known_at"] >= later.start).sum())
        if late:
            yield name, late, len(inside)


def _known_by(rows: pa.Table, at: datetime) -> pa.Table:
    """What was there at an instant: nothing told later, and nothing revoked yet by what was told later."""
    limit = pa.scalar(at, INSTANT)
    known = rows.filter(pc.less_equal(rows["known_at"].cast(INSTANT), limit))
    until = known["known_until"].cast(INSTANT)
    held = pc.if_else(pc.less_equal(until, limit), until, pa.scalar(None, INSTANT))
    return known.set_column(known.schema.get_field_index("known_until"), "known_until", held)
