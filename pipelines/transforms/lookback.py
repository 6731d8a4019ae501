"""What had happened up to a cut-off and was known by it, for all features of a table in one go."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from pipelines.contracts.features import AsOf, Windowed
from pipelines.transforms.runs import FOREVER, Places, Values
from pipelines.transforms.windows import Asked, Told, newest_rows, windows

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
    features: tuple[Windowed | AsOf, ...],
) -> DataFrame:
    """Add one column a feature to the probes: double, or for AsOf of the fact's own type; null where nothing was known,
    0 for a count. Row count is that of probes.

    probes: may repeat (`by`, `at`), as where facts are about all entities alike. facts: `by`, `event`, the features'
    columns, and the two columns `known`: from when to when (null: to this day) they may be used. In a window a value
    that is not finite counts as none.

    Facts and probes are shuffled and sorted once, by `by` and by buckets of time, and lie on a time line then. A task
    goes along it some hundred thousand rows at a time, and takes along what still matters. What never grows old has a
    time line of its own, without buckets.
    """
    for_ever = tuple(feature for feature in features if math.isinf(feature.reach_h))
    for_a_time = tuple(feature for feature in features if feature not in for_ever)
    if for_ever and for_a_time:
        probes = look_back(probes, facts, by=by, at=at, event=event, known=known, features=for_a_time)
        features = for_ever
    longest_s = None if for_ever else max(1, *[math.ceil(feature.reach_h * 3600) for feature in features])
    line = _time_line(probes, facts, by, at, event, known, features, longest_s)
    types = {f.names()[0]: facts.schema[f.column].dataType for f in features if isinstance(f, AsOf)}
    names = [name for feature in features for name in feature.names()]
    added = [T.StructField(name, types.get(name, T.DoubleType())) for name in names]
    keys, kept = [*by, "_bucket"], probes.columns

    def answers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for table in along(batches, keys, features, longest_s):
            yield from table.select([*kept, *names]).to_batches()

    return line.mapInArrow(answers, T.StructType([*probes.schema.fields, *added]))


def along(
    batches: Iterator[pa.RecordBatch],
    keys: list[str],
    features: tuple[Windowed | AsOf, ...],
    longest_s: int | None,
    rows_at_once: int = 1 << 18,
) -> Iterator[pa.Table]:
    """The probes of a time line with their features, from batches in order of (keys, `_at`, `_is_probe`)."""
    held: pa.Table | None = None
    for rows in _tables(batches, rows_at_once):
        rows = rows if held is None else pa.concat_tables([held, rows]).combine_chunks()
        group, is_probe = _groups(rows, keys), rows["_is_probe"].to_numpy()
        facts, probes = rows.filter(pa.array(~is_probe)), rows.filter(pa.array(is_probe))
        of_facts, asked = group[~is_probe], Asked(group[is_probe], probes["_at"].to_numpy())
        for name, values in _answered(facts, of_facts, asked, features).items():
            probes = probes.append_column(name, values)
        yield probes
        is_going_on = pa.array(of_facts == group[-1])
        held = _still_matter(facts.filter(is_going_on), rows["_at"][-1].as_py(), longest_s, features)


def _time_line(
    probes: DataFrame,
    facts: DataFrame,
    by: list[str],
    at: str,
    event: str,
    known: tuple[str, str],
    features: tuple[Windowed | AsOf, ...],
    longest_s: int | None,
) -> DataFrame:
    """Probes and facts, each `_at` when it is asked, or can first be seen; a fact once in each bucket where it can.

    longest_s: how long a fact matters (seconds); None for ever, without buckets then.
    """

    def bucket(instant_s: Column) -> Column:
        return F.lit(0) if longest_s is None else F.floor(instant_s / (_LOOKS_A_BUCKET * longest_s)).cast("int")

    seen_at, happens_s = F.greatest(event, known[0]), F.unix_seconds(event)
    is_ever_seen = F.coalesce(seen_at < F.col(known[1]), F.lit(True))
    if longest_s is not None:
        is_ever_seen &= F.unix_seconds(seen_at) <= happens_s + longest_s
    buckets = F.sequence(bucket(F.unix_seconds(seen_at)), bucket(happens_s + (longest_s or 0)))
    told = facts.dropna(subset=[*by, event]).where(is_ever_seen)
    told = told.select(
        *by,
        F.explode(buckets).alias("_bucket"),
        F.unix_micros(seen_at).alias("_at"),
        F.lit(False).alias("_is_probe"),
        F.unix_micros(event).alias("_event"),
        F.unix_micros(known[0]).alias("_known"),
        F.coalesce(F.unix_micros(known[1]), F.lit(FOREVER)).alias("_until"),
        *[
            (F.col(column) if as_is else F.col(column).cast("double")).alias(_named(column, as_is=as_is))
            for column, as_is in sorted({(feature.column, isinstance(feature, AsOf)) for feature in features})
        ],
    )
    asked = {"_bucket": bucket(F.unix_seconds(at)), "_at": F.unix_micros(at), "_is_probe": F.lit(True)}
    line = probes.withColumns(asked).unionByName(told, allowMissingColumns=True)
    return line.repartition(*by, "_bucket").sortWithinPartitions(*by, "_bucket", "_at", "_is_probe")


def _named(column: str, *, as_is: bool) -> str:
    return f"_{'value' if as_is else 'number'} {column}"


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


def _told(facts: pa.Table, entity: Places, values: Mapping[str, Values]) -> Told:
    event, known, until = (facts[name].to_numpy() for name in ("_event", "_known", "_until"))
    return Told(entity, event, known, until, values)


def _answered(
    facts: pa.Table, entity: Places, asked: Asked, features: tuple[Windowed | AsOf, ...]
) -> dict[str, pa.Array | pa.ChunkedArray]:
    windowed = tuple(feature for feature in features if not isinstance(feature, AsOf))
    numbers = {f.column: facts[_named(f.column, as_is=False)].to_numpy() for f in windowed}
    made = windows(_told(facts, entity, numbers), asked, windowed)
    found = {name: pa.array(values, pa.float64(), from_pandas=True) for name, values in made.items()}
    for feature in features:
        if isinstance(feature, AsOf):
            value = facts[_named(feature.column, as_is=True)]
            told = _told(facts, entity, {feature.column: ranks(value)})
            newest = newest_rows(told, asked, feature.column, feature.ttl_hours * 3.6e9)
            found[feature.names()[0]] = value.take(pa.array(newest, mask=newest < 0))
    return found


def ranks(values: pa.ChunkedArray) -> Values:
    """Numbers in the order of the values, NaN for null."""
    ranked = pc.rank(values, sort_keys="ascending", tiebreaker="dense").to_numpy().astype(np.float64)
    ranked[np.asarray(values.is_null())] = np.nan
    return ranked


def _still_matter(facts: pa.Table, now: int, longest_s: int | None, features: tuple[Windowed | AsOf, ...]) -> pa.Table:
    """Of the facts of one entity those that can be seen later than `now`; of those that hold to this day and matter for
    ever, the newest alone."""
    event, until = facts["_event"].to_numpy(), facts["_until"].to_numpy()
    if longest_s is not None:
        return facts.filter(pa.array((until > now) & (event > now - longest_s * 1_000_000 - 1)))
    matters = (until > now) & (until != FOREVER)
    places = np.flatnonzero(until == FOREVER)
    lasting, here = facts.take(pa.array(places)), np.zeros(len(places), np.int64)
    for feature in features:
        told = _told(lasting, here, {feature.column: ranks(lasting[_named(feature.column, as_is=True)])})
        (newest,) = newest_rows(told, Asked(np.zeros(1, np.int64), np.array([now])), feature.column, math.inf)
        if newest >= 0:
            matters[places[newest]] = True
    return facts.filter(pa.array(matters))
