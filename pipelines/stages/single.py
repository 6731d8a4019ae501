"""What gold holds of one entity at one cut-off, made without a JVM: for who is asked about one row at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import AsOf, Calendar, Category, FeatureView, Own, Windowed
from pipelines.contracts.tasks import Task
from pipelines.transforms.examples import INSTANT, calendar_part, instants
from pipelines.transforms.runs import FOREVER, Instants
from pipelines.transforms.windows import Asked, Told, windows

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
            found |= _said(feature, asked) if isinstance(feature, Own | Category) else {}
            found |= _of_time(feature, at) if isinstance(feature, Calendar) else {}
        if any(isinstance(feature, Windowed | AsOf) for feature in view.features):
            found |= _looked_up(view, asked, at, told[view.table], domain.table(view.table).event_time)
    return found


def _said(feature: Own | Category, asked: Mapping[str, Any]) -> dict[str, float | None]:
    (name,), value = feature.names(), asked[feature.column]
    if isinstance(feature, Own):
        return {name: None if value is None else float(value)}
    return {name: float(feature.among.index(str(value)) + 1) if str(value) in feature.among else 0.0}


def _of_time(feature: Calendar, at: Instants) -> dict[str, float]:
    parts = zip(feature.names(), feature.parts, strict=True)
    return {name: float(calendar_part(part, at, feature.time_zone)[0]) for name, part in parts}


def _looked_up(
    view: FeatureView, asked: Mapping[str, Any], at: Instants, facts: pa.Table, event_time: str
) -> dict[str, Any]:
    for name in view.entities:
        facts = facts.filter(pc.equal(facts[name], pa.scalar(asked[name], facts[name].type)))
    happened = event_time or "available_at"
    facts = facts.filter(facts[happened].is_valid())
    event, known = instants(facts[happened]), instants(facts["available_at"])
    until = np.asarray(pc.fill_null(facts["known_until"].cast(INSTANT).cast(pa.int64()), FOREVER))
    windowed = tuple(feature for feature in view.features if isinstance(feature, Windowed))
    values = {
        column: np.asarray(facts[column].cast(pa.float64()).to_numpy(), np.float64)
        for column in {feature.column for feature in windowed}
    }
    nobody = np.zeros(len(event), np.int64)
    made = windows(Told(nobody, event, known, until, values), Asked(np.zeros(1, np.int64), at), windowed)
    found: dict[str, Any] = {name: None if math.isnan(value[0]) else float(value[0]) for name, value in made.items()}
    seen = np.flatnonzero((event <= at) & (known <= at) & (at < until))
    for feature in view.features:
        if isinstance(feature, AsOf):
            said = zip(event[seen], known[seen], facts[feature.column].take(pa.array(seen)).to_pylist(), strict=True)
            alive = [each for each in said if each[2] is not None and at[0] - each[0] < feature.ttl_hours * 3.6e9]
            found[feature.names()[0]] = max(alive)[2] if alive else None
    return found
