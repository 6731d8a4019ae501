"""From gold at (entity, time) to examples at (entity, cut-off): the one way, for engines, scoring, single rows.

Needs no JVM: pyarrow and numpy. Examples are made anew wherever they are needed and are never stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.features import AsOf, History, Lag
from pipelines.contracts.fits import Frame
from pipelines.transforms.calendar import calendar_values

Instants = npt.NDArray[np.int64]
"""Microseconds since 1970-01-01 UTC."""
Values = npt.NDArray[np.float64]

INSTANT = pa.timestamp("us", tz="UTC")
LABEL = "label"
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_NEVER = np.iinfo(np.int64).max
_EVER = _NEVER - 1


def examples(
    cut_offs: pa.Table, series: Mapping[str, pa.Table], frame: Frame, known_before: datetime | None = None
) -> pa.Table:
    """One row per (entity, cut_at), ordered so, those of a query together; a value is used only if it had happened by
    its moment and was known by the cut-off.

    cut_offs: entity, `cut_at`, the cut-off features, the images, the query. series: by name; entity (if any), `at`,
    `known_at`, `known_until` (null: to this day), values.
    Returns entity, `cut_at`; cut-off features (double); images (binary); the query (string); per-step features and
    `label` (list<double> of `frame.steps`); windows (list<double>, oldest first). Null is unknown or missing. Step s is
    about `cut_at + (s - 1) · step`.

    A window holds only what happened within its hours: a grid time before the first such fact is null.
    `label` is the answer, so it alone disregards `known_at`. In a frame without a step it is the entity's only one,
    whenever it happened. known_before: no answer that was not there before; one that was is given as last corrected.
    """
    cut_offs = cut_offs.sort_by([(name, "ascending") for name in frame.order])
    entities = cut_offs[frame.entity].combine_chunks()
    cuts = instants(cut_offs["cut_at"])
    grid = cuts[:, None] + microseconds(frame.step) * np.arange(frame.steps)
    columns: dict[str, pa.Array | pa.ChunkedArray] = {frame.entity: entities, "cut_at": pa.array(cuts, INSTANT)}
    for name in frame.cut_off_features:
        columns[name] = cut_offs[name].cast(pa.float64())
    for name in frame.image_columns:
        columns[name] = cut_offs[name].cast(pa.binary())
    if frame.query:
        columns[frame.query] = cut_offs[frame.query].cast(pa.string())
    facts = {
        (name, column): _Facts(series[name], column, need.entity, entities)
        for name, need in needs(frame).items()
        for column in need.columns
    }
    for group in (*frame.targets, *frame.windows):
        for feature in group.features:
            if isinstance(feature, Calendar):
                columns |= {name: _lists(values) for name, values in calendar_values(grid, feature).items()}
            else:
                columns |= _feature_columns(feature, facts[group.series, feature.column], cuts, grid, frame)
    answers = facts[frame.label_series, frame.label]
    label = _answers(answers, grid, _EVER, frame)
    if known_before is not None:
        limit = (known_before - _EPOCH) // _MICROSECOND - 1
        label = np.where(np.isnan(_answers(answers, grid, limit, frame)), np.nan, label)
    columns[LABEL] = _lists(label)
    return pa.table(columns)


def origins(cut_offs: pa.Table, frame: Frame, every: int) -> pa.Table:
    """More training origins: from each entity's first to its last cut-off one every `every` steps.

    Returns entity, `cut_at` and the frame's cut-off features, which are null except at the given cut-offs (all of which
    are kept). No origin lies after the last cut-off, so no label reaches further than those of the cut-offs do.
    """
    stride = microseconds(frame.step) * every
    given = cut_offs.select([frame.entity, "cut_at", *frame.cut_off_features])
    spans = given.group_by(frame.entity).aggregate([("cut_at", "min"), ("cut_at", "max")])
    firsts, lasts = instants(spans["cut_at_min"]), instants(spans["cut_at_max"])
    grids = [np.arange(first, last, stride) for first, last in zip(firsts, lasts, strict=True)]
    of_entity = np.repeat(np.arange(len(grids)), [len(grid) for grid in grids])
    more = pa.table(
        {
            frame.entity: spans[frame.entity].take(pa.array(of_entity)),
            "cut_at": pa.array(np.concatenate(grids) if grids else np.empty(0, np.int64), INSTANT),
        }
    )
    given = given.set_column(1, "cut_at", pa.array(instants(given["cut_at"]), INSTANT))
    new = more.join(given.select([frame.entity, "cut_at"]), [frame.entity, "cut_at"], join_type="left anti")
    return pa.concat_tables([given, new], promote_options="default").sort_by(
        [(frame.entity, "ascending"), ("cut_at", "ascending")]
    )


@dataclass(frozen=True)
class Need:
    """What examples take from one gold series: its entity column ("" if it is about all alike), value columns, and how
    long before a cut-off a fact can still matter. After it, facts matter up to the last step's time."""

    entity: str
    columns: tuple[str, ...]
    lookback: timedelta


def needs(frame: Frame) -> dict[str, Need]:
    """What the frame takes from each of its series, the label's among them."""
    found = {frame.label_series: Need(frame.entity, (frame.label,), timedelta(0))}
    for group in (*frame.targets, *frame.windows):
        for feature in group.features:
            match feature:
                case Lag():
                    reach = timedelta(hours=max(feature.hours))
                case AsOf():
                    reach = timedelta(hours=feature.ttl_hours)
                case History():
                    reach = timedelta(hours=feature.hours)
                case _:
                    continue
            so_far = found.get(group.series, Need(group.entity, (), timedelta(0)))
            columns = dict.fromkeys((*so_far.columns, feature.column))
            found[group.series] = Need(group.entity, tuple(columns), max(reach, so_far.lookback))
    return found


def instants(column: pa.ChunkedArray | pa.Array) -> Instants:
    """A timestamp column in microseconds since 1970 UTC; without a zone it is taken as UTC (as Spark's INT96 is)."""
    return np.asarray(column.cast(INSTANT).cast(pa.int64()))


def microseconds(span: timedelta) -> int:
    return span // _MICROSECOND


class _Facts:
    """The values of one gold series, sorted once by (entity, at, known_at), for point-in-time look-ups of many moments
    at a time. A null is no value."""

    def __init__(self, rows: pa.Table, column: str, entity: str, asked: pa.Array) -> None:
        """entity: the column that holds it, "" if the facts are about all alike. asked: the examples' entities."""
        rows = rows.filter(
            pc.and_(pc.and_(rows["at"].is_valid(), rows["known_at"].is_valid()), rows[column].is_valid())
        )
        if entity:
            known_entities = asked.unique()
            self._asked = _codes(asked, known_entities)
            codes = _codes(rows[entity].cast(known_entities.type), known_entities)
            rows, codes = rows.filter(pa.array(codes >= 0)), codes[codes >= 0]
        else:
            self._asked, codes = np.zeros(len(asked), np.int64), np.zeros(len(rows), np.int64)
        at, known = instants(rows["at"]), instants(rows["known_at"])
        until = np.asarray(pc.fill_null(rows["known_until"].cast(INSTANT).cast(pa.int64()), _NEVER))
        order = np.lexsort((known, at, codes))
        values = np.asarray(rows[column].cast(pa.float64()).to_numpy(), np.float64)
        self._values = np.append(values[order], np.nan)  # the last one is for index −1
        self._codes, self._at, known, self._until = codes[order], at[order], known[order], until[order]
        self._moments = np.unique(self._at)
        self._place = self._codes * (len(self._moments) + 1) + np.searchsorted(self._moments, self._at, "right")
        # least known_at over the 2^k facts that end at each fact, for k = 0, 1, …
        self._least = [known]
        while (reach := 2 ** (len(self._least) - 1)) < len(known):
            last = self._least[-1]
            self._least.append(np.concatenate([last[:reach], np.minimum(last[reach:], last[:-reach])]))

    def newest(self, moments: Instants, cuts: Instants) -> Instants:
        """Index of the newest fact with at ≤ moment and known_at ≤ cut-off < known_until, −1 if there is none.

        moments: (examples, n); cuts: (examples,).
        """
        if not len(self._at):
            return np.full(moments.shape, -1)
        codes, limit = self._asked[:, None], cuts[:, None]
        asked = codes * (len(self._moments) + 1) + np.searchsorted(self._moments, moments, "right")
        index = np.searchsorted(self._place, asked, "right") - 1
        index = self._known(index, limit)
        # few facts are ever revoked, so one by one will do
        while (is_revoked := (index >= 0) & (self._codes[index] == codes) & (self._until[index] <= limit)).any():
            index = self._known(np.where(is_revoked, index - 1, index), limit)
        return np.where((index >= 0) & (self._codes[index] == codes), index, -1)

    def _known(self, index: Instants, limit: Instants) -> Instants:
        """The nearest fact at or before each index with known_at ≤ limit, −1 if there is none.

        Late facts are leapt over in powers of two, so a long delay costs no more than a short one.
        """
        for k in range(len(self._least) - 1, -1, -1):
            unknown = (index >= 0) & (self._least[k][index] > limit)
            index = np.where(unknown, np.maximum(index - 2**k, -1), index)
        return index

    def at(self, index: Instants) -> Instants:
        return np.append(self._at, np.iinfo(np.int64).min // 2)[index]

    def exactly(self, moments: Instants, cuts: Instants) -> Values:
        """The value that happened just at each moment, NaN if none was known by the cut-off."""
        index = self.newest(moments, cuts)
        return np.where(self.at(index) == moments, self._values[index], np.nan)

    def since(self, moments: Instants, cuts: Instants, oldest: Instants) -> Values:
        """The newest known value at each moment that happened at `oldest` or later."""
        index = self.newest(moments, cuts)
        return np.where(self.at(index) >= oldest, self._values[index], np.nan)


def _answers(facts: _Facts, grid: Instants, known_by: int, frame: Frame) -> Values:
    limit = np.full(len(grid), known_by)
    if frame.step:
        return facts.exactly(grid, limit)
    return facts.since(np.full(grid.shape, _EVER), limit, np.full(grid.shape, -_EVER))


def _feature_columns(
    feature: Lag | AsOf | History, facts: _Facts, cuts: Instants, grid: Instants, frame: Frame
) -> dict[str, pa.Array]:
    if isinstance(feature, Lag):
        return {
            name: _lists(facts.exactly(grid - _hours(hours), cuts))
            for name, hours in zip(feature.names(), feature.hours, strict=True)
        }
    name = feature.names()[0]
    if isinstance(feature, AsOf):
        too_old = grid - _hours(feature.ttl_hours)
        return {name: _lists(facts.since(grid, cuts, too_old + 1))}
    start = cuts[:, None] - _hours(feature.hours)
    window = start + microseconds(frame.step) * np.arange(_hours(feature.hours) // microseconds(frame.step))
    return {name: _lists(facts.since(window, cuts, start))}


def _hours(hours: float) -> int:
    return round(hours * 3_600_000_000)


def _codes(values: pa.Array | pa.ChunkedArray, known: pa.Array) -> Instants:
    return np.asarray(pc.fill_null(pc.index_in(values, value_set=known), -1), np.int64)


def _lists(values: Values) -> pa.Array:
    """(examples, n) to list<double>, NaN to null."""
    flat = pa.array(values.ravel(), pa.float64(), from_pandas=True)
    offsets = np.arange(0, values.size + 1, max(values.shape[1], 1), dtype=np.int32)[: len(values) + 1]
    return pa.ListArray.from_arrays(pa.array(offsets), flat)
