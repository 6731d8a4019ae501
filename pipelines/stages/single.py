"""What gold holds of one entity at one cut-off, made without a JVM: for who is asked about one row at a time."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import (
    WHOLE_IN_A_DOUBLE,
    AsOf,
    Category,
    CategoryCount,
    Expanding,
    FeatureView,
    Hashed,
    Image,
    OfRow,
    Own,
    TargetMean,
    Windowed,
)
from pipelines.contracts.tasks import Task
from pipelines.transforms.calendar import calendar_values
from pipelines.transforms.examples import INSTANT, instants
from pipelines.transforms.runs import FOREVER, Instants
from pipelines.transforms.windows import Asked, Told, totals_so_far, windows

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def features_at(
    domain: Domain, task: Task, asked: Mapping[str, Any], cut_at: datetime, told: Mapping[str, pa.Table]
) -> dict[str, Any]:
    """By name, the cut-off features of the task as its gold table holds them, to the last bit; None is unknown.

    asked: the entity by its column's name; of an event all that its row says, as it was known at the cut-off.
    told: by table name, what `stages.gold.known` gives, of this entity and of any others: the table's columns,
    `available_at` and `known_until`. What happened or became known after `cut_at` is passed over.
    """
    at = np.array([(cut_at - _EPOCH) // timedelta(microseconds=1)], np.int64)
    found: dict[str, Any] = {}
    for view in domain.views_of(task):
        if view.moment != "cut_off":
            continue
        for feature in view.features:
            if isinstance(feature, OfRow):
                found |= _said(feature, asked[feature.column])
            elif isinstance(feature, Calendar):
                found |= {name: float(values[0]) for name, values in calendar_values(at, feature).items()}
        if any(isinstance(feature, Windowed | CategoryCount | Expanding | AsOf) for feature in view.features):
            found |= _looked_up(view, asked, at, told[view.table], domain.table(view.table).event_time)
    return {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in found.items()}


def _said(feature: OfRow, value: Any) -> dict[str, Any]:
    names, text = feature.names(), value if value is None else str(value)
    match feature:
        case Image():
            return {names[0]: value}
        case Own():
            return {names[0]: None if value is None else float(value)}
        case Category():
            return {names[0]: float(feature.among.index(text) + 1 if text in feature.among else 0)}
        case TargetMean():
            return {names[0]: None if text is None else float(_hash(text) & WHOLE_IN_A_DOUBLE)}
        case Hashed():
            if text is None:
                return dict.fromkeys(names)
            buckets = [0.0] * feature.buckets
            words = re.split("[ \t\r\n]+", text) if feature.by == "words" else [text]
            for h in (_hash(word) for word in words if word):
                buckets[h % feature.buckets] += -1.0 if h < 0 else 1.0
            return dict(zip(names, buckets, strict=True))


def _hash(text: str) -> int:
    """As Spark's xxhash64 has it: a signed number."""
    unsigned = xxhash.xxh64_intdigest(text.encode(), seed=42)
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


def _looked_up(
    view: FeatureView, asked: Mapping[str, Any], at: Instants, facts: pa.Table, event_time: str
) -> dict[str, Any]:
    for name in view.entities:
        facts = facts.filter(pc.equal(facts[name], pa.scalar(asked[name], facts[name].type)))
    happened = event_time or "available_at"
    facts = facts.filter(facts[happened].is_valid())
    windowed = [feature for feature in view.features if isinstance(feature, Windowed)]
    for feature in view.features:
        if isinstance(feature, CategoryCount):
            windowed += feature.counts()
            texts = facts[feature.column].cast(pa.string()).to_pylist()
            for flag, listed in zip(feature.flags(), feature.among, strict=True):
                flags = [1.0 if text == listed else None for text in texts]
                facts = facts.append_column(flag, pa.array(flags, pa.float64()))
    event, known = instants(facts[happened]), instants(facts["available_at"])
    until = np.asarray(pc.fill_null(facts["known_until"].cast(INSTANT).cast(pa.int64()), FOREVER))
    values = {
        column: np.asarray(facts[column].cast(pa.float64()).to_numpy(), np.float64)
        for column in {feature.column for feature in windowed}
    }
    told = Told(np.zeros(len(event), np.int64), event, known, until, values)
    found: dict[str, Any] = {
        name: float(made[0]) for name, made in windows(told, Asked(np.zeros(1, np.int64), at), tuple(windowed)).items()
    }
    seen = np.flatnonzero((event <= at) & (known <= at) & (at < until))
    for feature in view.features:
        if isinstance(feature, Expanding):
            value = facts[feature.column].cast(pa.float64()).to_numpy()
            found[feature.names()[0]] = totals_so_far(event, known, until, value, int(at[0]))[feature.op]
        if isinstance(feature, AsOf):
            said = zip(event[seen], known[seen], facts[feature.column].take(pa.array(seen)).to_pylist(), strict=True)
            alive = [each for each in said if each[2] is not None and at[0] - each[0] < feature.ttl_hours * 3.6e9]
            found[feature.names()[0]] = max(alive)[2] if alive else None
    return found
