"""Parts of an instant's local time, as numbers; no JVM is needed."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from pipelines.contracts.calendar import HOLIDAY_PARTS, Calendar

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

Instants = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_DAY = 86_400_000_000
_HOUR = 3_600_000_000
_ROUND = 2 * math.pi
_YEAR_DAYS = 365.25
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
_EPOCH = date(1970, 1, 1)


def with_calendar(rows: DataFrame, at: str, features: Sequence[Calendar]) -> DataFrame:
    """The rows with one column (double) a part of the instant `at`; made as without a JVM, so with the same bits."""
    from pyspark.sql import types as T

    names = [name for feature in features for name in feature.names()]

    def added(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            moments = np.asarray(batch[at].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()))
            made = pa.Table.from_batches([batch])
            for feature in features:
                for name, values in calendar_values(moments, feature).items():
                    made = made.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
            yield from made.to_batches()

    schema = T.StructType([*rows.schema.fields, *[T.StructField(name, T.DoubleType()) for name in names]])
    return rows.mapInArrow(added, schema)


def calendar_values(moments: Instants, feature: Calendar) -> dict[str, Values]:
    """Values by feature name, each of the shape of `moments` (microseconds since 1970 UTC); NaN is null.

    After 2037 pandas has no daylight saving, as its pytz ends there.
    """
    zoned = pd.DatetimeIndex(moments.ravel().astype("datetime64[us]"), tz="UTC").tz_convert(feature.time_zone)
    local = zoned.tz_localize(None).to_numpy("datetime64[us]").astype(np.int64).reshape(moments.shape)
    days = local // _DAY
    return {f"calendar__{part}": _values(part, days, local - days * _DAY, feature) for part in feature.parts}


def _values(part: str, days: Instants, of_day: Instants, feature: Calendar) -> Values:
    """days: since 1970, of the local date; of_day: microseconds since its midnight."""
    weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
    match part:
        case "time_of_day":
            return of_day / _HOUR
        case "weekday":
            return weekday.astype(np.float64)
        case "is_weekend":
            return (weekday >= 5).astype(np.float64)
        case "month":
            return (_months(days) % 12 + 1).astype(np.float64)
        case "day_of_year":
            return _days_into_year(days) + 1.0
        case "day_cos" | "day_sin":
            return _on_circle(part, of_day / _DAY)
        case "week_cos" | "week_sin":
            return _on_circle(part, (weekday * _DAY + of_day) / (7.0 * _DAY))
        case "month_cos" | "month_sin":
            first = _months(days).astype("datetime64[M]")
            starts, ends = (month.astype("datetime64[D]").astype(np.int64) for month in (first, first + 1))
            return _on_circle(part, (days - starts) / (ends - starts))
        case "year_cos" | "year_sin":
            return _on_circle(part, _days_into_year(days) / _YEAR_DAYS)
        case _ if part in HOLIDAY_PARTS:
            return _holiday_values(part, days, holidays_of(feature.country, feature.subdivision))
        case _:
            raise ValueError(f"calendar: no part '{part}'")


def _on_circle(part: str, place: Values) -> Values:
    return np.cos(place * _ROUND) if part.endswith("_cos") else np.sin(place * _ROUND)


def _months(days: Instants) -> Instants:
    """Since 1970."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _days_into_year(days: Instants) -> Values:
    dates = days.astype("datetime64[D]")
    return (dates - dates.astype("datetime64[Y]")).astype(np.float64)


@cache
def holidays_of(country: str, subdivision: str) -> Mapping[int, tuple[int, ...]]:
    """Public holidays as days since 1970, ascending, by year: those of the year, the last one before it and the first
    one after it. Years from 1970 to 2100 that the library has."""
    import holidays

    known = holidays.country_holidays(country, subdiv=subdivision or None)
    years = range(max(known.start_year, _FIRST_YEAR), min(known.end_year, _LAST_YEAR) + 1)
    for year in years:
        known.get(date(year, 1, 1))  # fills the year in
    days = np.array(sorted((day - _EPOCH).days for day in known if day.year in years), np.int64)
    found = {}
    for year in years:
        first, end = (int(np.searchsorted(days, (date(y, 1, 1) - _EPOCH).days)) for y in (year, year + 1))
        found[year] = tuple(days[max(first - 1, 0) : end + 1].tolist())
    return found


def _holiday_values(part: str, days: Instants, known: Mapping[int, tuple[int, ...]]) -> Values:
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    all_days = np.unique(np.concatenate([np.array(near, np.int64) for near in known.values()]))
    after, before = np.searchsorted(all_days, days, "left"), np.searchsorted(all_days, days, "right") - 1
    padded = np.concatenate([[np.nan], all_days, [np.nan]])
    to, since = padded[after + 1] - days, days - padded[before + 1]
    found = (to == 0.0).astype(np.float64) if part == "is_holiday" else to if part == "days_to_holiday" else since
    return np.where((years >= min(known)) & (years <= max(known)), found, np.nan)
