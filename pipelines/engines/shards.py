"""Gold as Arrow, without a JVM: a worker reads the shard of examples that is its own and no more."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from pipelines.contracts.fits import FitError, FitPlan, Frame, Shard
from pipelines.contracts.tasks import Share, Span
from pipelines.io.parquet_files import dataset, unreadable_named
from pipelines.models.encodings import encoded, encoded_out_of_fold, learnt
from pipelines.transforms.examples import INSTANT, examples, instants, needs, origins

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def examples_of(
    plan: FitPlan,
    span: Span | Share,
    index: int = 0,
    count: int = 1,
    every: int = 0,
    among: Sequence[str] | None = None,
) -> pa.Table:
    """The examples of shard `index` of `count` of a span's cut-offs: disjoint, complete, the same every time.

    A shard is a contiguous range of the cut-offs in the order (entity, cut_at), so it needs few entities and little
    time of each series; it holds whole queries, of a frame that has them. every > 0 adds training origins every so many
    steps between the cut-offs. among: of these entities alone. Labels that the plan purges are null. Where the plan has
    encodings, they are applied: those of the train span out of fold.
    """
    frame = plan.frame
    cut_offs = cut_offs_of(plan, span, (*frame.cut_off_features, *frame.beside), among)
    if every:
        cut_offs = origins(cut_offs, frame, every)
    cut_offs = cut_offs.sort_by([(name, "ascending") for name in frame.order])
    first, last = (_border(cut_offs, frame, len(cut_offs) * shard // count) for shard in (index, index + 1))
    cut_offs = cut_offs.slice(first, last - first)
    made = examples(cut_offs, series_for(cut_offs, plan.tables, frame), frame, plan.known_before(span))
    if span == plan.train:
        return encoded_out_of_fold(made, plan.encodings, frame.entity)
    return encoded(made, plan.encodings.whole)


def _border(cut_offs: pa.Table, frame: Frame, place: int) -> int:
    """Where a shard begins that would begin at this place: there, or with the first row of the query that lies there.

    cut_offs: sorted by the query, if there is one."""
    if not frame.query or place >= len(cut_offs):
        return place
    return int(pc.index(cut_offs[frame.query], cut_offs[frame.query][place]).as_py())


def cut_offs_of(
    plan: FitPlan, span: Span | Share, features: Sequence[str], among: Sequence[str] | None = None
) -> pa.Table:
    """The cut-offs of a span, in no order, with these of their features; of the entities `among` alone, if given."""
    frame = plan.frame
    wanted = _within(span)
    if among is not None:
        wanted = wanted & ds.field(frame.entity).isin(pa.array(among, pa.string()))
    return read(plan.tables[frame.cut_offs], (frame.entity, "cut_at", *features), wanted)


def with_encodings(plan: FitPlan) -> FitPlan:
    """The plan with the target means of its whole train span, of which a shard knows a part only."""
    frame = plan.frame
    if not frame.encoded:
        return plan
    alone = replace(frame, cut_off_features=tuple(name for name, _ in frame.encoded), targets=(), windows=(), images=())
    return replace(plan, encodings=learnt(examples_of(replace(plan, frame=alone), plan.train), frame))


def series_for(cut_offs: pa.Table, tables: Mapping[str, Shard], frame: Frame) -> dict[str, pa.Table]:
    """The part of each gold series that matters to these cut-offs: their entities, their time."""
    cuts = instants(cut_offs["cut_at"])
    found = {}
    for name, need in needs(frame).items():
        columns = tuple(
            dict.fromkeys((*((need.entity,) if need.entity else ()), "at", "known_at", "known_until", *need.columns))
        )
        if len(cuts):
            start = _EPOCH + timedelta(microseconds=int(cuts.min())) - need.lookback
            end = _EPOCH + timedelta(microseconds=int(cuts.max())) + frame.step * frame.steps
            # the answer about an event may come at any time
            wanted = _between("at", start, end) if frame.step else ds.scalar(True)
        else:
            wanted = ds.scalar(False)
        if need.entity:
            wanted = wanted & ds.field(need.entity).isin(cut_offs[frame.entity].unique())
        found[name] = read(tables[name], columns, wanted)
    return found


def read(table: Shard, columns: Sequence[str], wanted: ds.Expression | None) -> pa.Table:
    """The wanted rows (None: all) of a table version, straight from its parquet files; instants as timestamp[us, UTC].

    FitError where none of its files has a column, UnreadableFiles where there is no file or one cannot be read.
    """
    rows = dataset(table)
    missing = [column for column in columns if column not in rows.schema.names]
    if missing:
        raise FitError(f"{table.name} at version {table.version}: no column {', '.join(missing)}")
    with unreadable_named(table):
        return rows.to_table(columns=list(columns), filter=wanted)


def _within(span: Span | Share) -> ds.Expression:
    if isinstance(span, Span):
        return _between(span.column, span.start, span.end)
    return (ds.field(span.column) >= span.start) & (ds.field(span.column) < span.end)


def _between(column: str, start: datetime, end: datetime) -> ds.Expression:
    """Half-open."""
    return (ds.field(column) >= pa.scalar(start, INSTANT)) & (ds.field(column) < pa.scalar(end, INSTANT))


def shard_hash(keys: pa.Table, entity: str) -> str:
    """A hash of the (entity, cut_at) pairs that does not depend on their order, but on how often each occurs."""
    total = 0
    for name, cut_at in zip(keys[entity].to_pylist(), instants(keys["cut_at"]).tolist(), strict=True):
        total += int.from_bytes(hashlib.sha256(f"{name}|{cut_at}".encode()).digest(), "big")
    return f"{total % 2**256:064x}"
