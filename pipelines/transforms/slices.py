"""The columns of a backtest by which errors are shown besides: made once, beside the predictions that they sort."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from pipelines.contracts.calendar import Calendar
from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Category
from pipelines.contracts.tasks import HOUR_OF_DAY, Task

OTHER = "other"
"""In place of a value that the Category does not list."""


def zone_of(domain: Domain, task: Task) -> str:
    """The zone in which people see the task's times: that of its first Calendar, else UTC."""
    zones = [f.time_zone for view in domain.views_of(task) for f in view.features if isinstance(f, Calendar)]
    return zones[0] if zones else "UTC"


def features_of_slices(domain: Domain, task: Task) -> tuple[str, ...]:
    """The features that predictions must bring along, because slices are made of them."""
    return tuple(of.names()[0] for of in domain.slices(task).values() if of is not None)


def sliced(predictions: pa.Table, domain: Domain, task: Task) -> pa.Table:
    """Predictions with a column for each slice: the hour of `target_at` in the task's zone, and the text of each
    category in place of the feature that has its place in a list. The others are there already."""
    for name, category in domain.slices(task).items():
        if name == HOUR_OF_DAY:
            zone = ZoneInfo(zone_of(domain, task))
            instants = predictions["target_at"].to_pylist()
            hour_of = {at: at.astimezone(zone).hour for at in set(instants)}
            predictions = predictions.append_column(name, pa.array([hour_of[at] for at in instants], pa.int32()))
        elif category is not None:
            (feature,) = category.names()
            texts = _texts(predictions[feature].to_numpy(), category)
            predictions = predictions.drop_columns([feature]).append_column(name, texts)
    return predictions


def _texts(places: np.ndarray, category: Category) -> pa.Array:
    return pa.array([OTHER, *category.among]).take(pa.array(np.nan_to_num(places).astype(np.int64)))
