"""How far a series is forecast, how often, and by which of its own past values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from pipelines.scaffold.shape import Shape
from pipelines.scaffold.spans import DAY, HOUR

WEEK = 7 * DAY
_FINE = timedelta(minutes=15)
_MOST_STEPS = 60
_PART_FOR_LAGS = 0.1  # of the series may go by before all lags are there


@dataclass(frozen=True)
class Horizon:
    """steps: values that are forecast at once, asked every `every` from `offset` after midnight UTC on. lags: how long
    before its own time a value is looked up, none shorter than what is forecast. season_steps: the naive forecast's.
    """

    step: timedelta
    steps: int
    every: timedelta
    offset: timedelta
    lags: tuple[timedelta, ...]
    season_steps: int = 0

    @property
    def length(self) -> timedelta:
        return self.steps * self.step

    @property
    def lag_steps(self) -> tuple[int, ...]:
        return tuple(lag // self.step for lag in self.lags)

    def with_season(self, steps: int) -> Horizon:
        return replace(self, season_steps=steps)

    def cut_offs(self, shape: Shape) -> int:
        """So many times the question is asked within the file's span, of each entity."""
        assert shape.first is not None and shape.last is not None
        return (shape.last - shape.first - self.lags[-1]) // self.every


def horizon_of(shape: Shape) -> Horizon:
    """A day of steps, asked daily; of days a week; of less than a quarter of an hour an hour; of all else four."""
    step = shape.step
    assert shape.first is not None and shape.last is not None
    if step == DAY:
        steps, every = 7, step
    elif step >= _FINE and step < DAY and DAY % step == timedelta(0):
        steps, every = DAY // step, DAY
    elif step < _FINE and HOUR % step == timedelta(0):
        steps, every = min(HOUR // step, _MOST_STEPS), max(HOUR, step)
        every = steps * step
    else:
        steps, every = 4, step
    length = steps * step
    offset = (shape.first - datetime(1970, 1, 1, tzinfo=UTC)) % step
    room = _PART_FOR_LAGS * (shape.last - shape.first)
    can_be = [length, 2 * length, DAY, 2 * DAY, WEEK, 2 * WEEK, *([3 * WEEK, 4 * WEEK] if step == DAY else [])]
    lags = sorted({lag for lag in can_be if length <= lag <= max(room, length) and lag % step == timedelta(0)})
    return Horizon(step, steps, every, offset, tuple(lags))


def seasons_of(horizon: Horizon) -> Sequence[timedelta]:
    """The lags that may be the season of a naive forecast: a day, a week, or what is forecast at once."""
    return [lag for lag in horizon.lags if lag in (DAY, WEEK, horizon.length)]
