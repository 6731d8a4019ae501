"""Parts of an instant's local time, as numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pipelines.contracts.features import Calendar

if TYPE_CHECKING:
    from pyspark.sql import Column

RADIANS_A_DAY = 2 * math.pi / 365.25


def calendar_parts(instant: Column, feature: Calendar) -> dict[str, Column]:
    """Expressions by feature name; instant is UTC, the parts are those of its local time."""
    from pyspark.sql import functions as F

    local = F.from_utc_timestamp(instant, feature.time_zone)  # the session's time zone is UTC
    weekday, day = F.weekday(local), F.dayofyear(local)
    parts = {
        "time_of_day": F.pmod(F.unix_micros(local), F.lit(86_400_000_000)) / F.lit(3.6e9),
        "weekday": weekday.cast("double"),
        "is_weekend": (weekday >= 5).cast("double"),
        "day_of_year": day.cast("double"),
        "year_cos": F.cos((day - 1) * F.lit(RADIANS_A_DAY)),
        "year_sin": F.sin((day - 1) * F.lit(RADIANS_A_DAY)),
    }
    return {f"calendar__{part}": parts[part] for part in feature.parts}
