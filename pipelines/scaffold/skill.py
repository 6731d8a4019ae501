"""A quick look at what can be learnt: a small boosted model beside the naive answer, on rows that it has not seen."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pipelines.scaffold.columns import instants, numbers
from pipelines.scaffold.horizon import Horizon
from pipelines.scaffold.leaks import coded
from pipelines.scaffold.reading import Reading
from pipelines.scaffold.roles import Role, features
from pipelines.scaffold.shape import Shape, label_of

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]

_HELD_BACK = 0.2
_MOST_ROWS = 60_000
_ROUNDS, _BOOSTING = 150, {"max_depth": 5, "eta": 0.1, "tree_method": "hist", "nthread": 1, "verbosity": 0, "seed": 7}


@dataclass(frozen=True)
class Skill:
    """The mean loss of model and naive answer on `rows` held back. loss: what it is called; held_back: in words."""

    loss: str
    model: float
    naive: float
    rows: int
    held_back: str

    @property
    def gain(self) -> float:
        """The part of the naive loss that the model spares."""
        return 1.0 - self.model / self.naive if self.naive else 0.0


def skill_of(reading: Reading, shape: Shape, roles: Sequence[Role], horizon: Horizon | None) -> Skill | None:
    """None where there are too few rows, or one answer alone."""
    if horizon:
        return _of_series(reading, shape, horizon)
    label = np.array(label_of(shape, reading))
    given = [(role.column, reading.columns[role.column.field]) for role in features(roles) if role.use != "text"]
    if not given:
        return None
    values = np.column_stack([coded(column, texts, _codes(texts)) for column, texts in given])
    if shape.time:
        at = instants(shape.time, reading.columns[shape.time.field])
        order = np.argsort(np.array([instant.timestamp() if instant else 0.0 for instant in at]), kind="stable")
        is_held = np.zeros(len(label), bool)
        is_held[order[int((1.0 - _HELD_BACK) * len(order)) :]] = True
    else:
        is_held = np.array([zlib.crc32(b"%d" % row) % 100 < 100 * _HELD_BACK for row in range(len(label))])
    told = "the last fifth of the time" if shape.time else "a fifth of the rows, by hash"
    if shape.asked == "classify":
        return _classified(values, label, is_held, len(shape.among), told)
    return _estimated(values, label, is_held, told)


def _codes(texts: list[str]) -> Values:
    """A number for each text that knows nothing of the answer."""
    return np.array([zlib.crc32(text.encode()) for text in texts], np.float64)


def _estimated(values: Values, label: Values, is_held: Rows, told: str) -> Skill | None:
    known = ~np.isnan(label)
    fitted, judged = _few(known & ~is_held), known & is_held
    if not fitted.any() or not judged.any():
        return None
    centre, scale = float(np.median(label[fitted])), float(np.std(label[fitted])) or 1.0
    # scaled: the steps of this loss are as wide as a unit of the label
    found = _predicted(values, (label - centre) / scale, fitted, judged, {"objective": "reg:absoluteerror"})
    errors = np.abs(label[judged] - (found * scale + centre))
    return Skill("MAE", float(errors.mean()), float(np.abs(label[judged] - centre).mean()), int(judged.sum()), told)


def _classified(values: Values, label: Values, is_held: Rows, classes: int, told: str) -> Skill | None:
    known = ~np.isnan(label)
    fitted, judged = _few(known & ~is_held), known & is_held
    rates = np.array([np.mean(label[fitted] == place) if fitted.any() else 0.0 for place in range(classes)])
    if not judged.any() or (rates == 0.0).any():
        return None
    found = _predicted(values, label, fitted, judged, {"objective": "multi:softprob", "num_class": classes})
    came = label[judged].astype(int)
    given = (found[np.arange(len(came)), came], rates[came])
    model, naive = (float(-np.log(np.clip(probability, 1e-12, None)).mean()) for probability in given)
    return Skill("log loss", model, naive, int(judged.sum()), told)


def _of_series(reading: Reading, shape: Shape, horizon: Horizon) -> Skill | None:
    """The same value some lags before, clock and weekday; the naive answer is the value a season before."""
    assert shape.time is not None
    at = pd.DatetimeIndex(instants(shape.time, reading.columns[shape.time.field]))
    names = reading.columns[shape.entity.field] if shape.entity else ""
    rows = pd.DataFrame({"at": at, "of": names, "value": numbers(shape.target, reading.columns[shape.target.field])})
    rows = rows.dropna().drop_duplicates(["of", "at"])
    if rows.empty:
        return None
    wide = rows.pivot(index="at", columns="of", values="value")
    wide = wide.reindex(pd.date_range(wide.index[0], wide.index[-1], freq=shape.step))
    label = wide.to_numpy().ravel()
    lags = [wide.shift(steps).to_numpy().ravel() for steps in horizon.lag_steps]
    line = pd.DatetimeIndex(wide.index)
    clock = np.repeat(np.column_stack([line.hour, line.minute, line.weekday]), wide.shape[1], axis=0)
    naive = wide.shift(horizon.season_steps).to_numpy().ravel()
    is_held = np.repeat(np.arange(len(wide)) >= (1.0 - _HELD_BACK) * len(wide), wide.shape[1])
    label = np.where(np.isnan(naive), np.nan, label)
    found = _estimated(np.column_stack([*lags, clock]), label, is_held, "the last fifth of the time")
    judged = is_held & ~np.isnan(label)
    if found is None:
        return None
    return Skill(found.loss, found.model, float(np.abs(label - naive)[judged].mean()), found.rows, found.held_back)


def season_steps(reading: Reading, shape: Shape, seasons: Sequence[timedelta]) -> int:
    """Which of some seasons, in steps, the first four fifths of the series repeat themselves by most closely."""
    assert shape.time is not None
    at = instants(shape.time, reading.columns[shape.time.field])
    of = reading.columns[shape.entity.field] if shape.entity else [""] * reading.rows
    values = dict(
        zip(zip(of, at, strict=True), numbers(shape.target, reading.columns[shape.target.field]), strict=True)
    )
    assert shape.first is not None and shape.last is not None
    end = shape.first + (1.0 - _HELD_BACK) * (shape.last - shape.first)

    def error(season: timedelta) -> float:
        known = [
            abs(value - values[name, instant - season])
            for (name, instant), value in values.items()
            if instant and instant < end and (name, instant - season) in values
        ]
        return float(np.nanmean(known)) if known else float("inf")

    return min(seasons, key=error) // shape.step


def _few(rows: Rows) -> Rows:
    """At most so many of the rows, evenly spread."""
    places = np.flatnonzero(rows)
    kept = np.zeros(len(rows), bool)
    kept[places[:: max(1, -(-len(places) // _MOST_ROWS))]] = True
    return kept


def _predicted(values: Values, label: Values, fitted: Rows, judged: Rows, objective: dict[str, Any]) -> Values:
    """What trees fitted on some rows say of others."""
    import xgboost  # a second that the commands besides need not wait for

    data = xgboost.DMatrix(values[fitted], label[fitted])
    trees = xgboost.train(_BOOSTING | objective, data, num_boost_round=_ROUNDS)
    return np.asarray(trees.predict(xgboost.DMatrix(values[judged])), np.float64)
