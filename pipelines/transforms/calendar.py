"""Parts of an instant's local time, as numbers."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from pipelines.contracts.features import Calendar


def calendar_parts(instant: Column, feature: Calendar) -> dict[str, Column]:
    """Expressions by feature name; instant is UTC, the parts are those of its local time at the fixed offset."""
    local_s = F.unix_seconds(instant) + F.lit(round(feature.utc_offset_hours * 3600))
    local = F.timestamp_seconds(local_s)  # the session's time zone is UTC
    weekday = F.weekday(local)
    parts = {
        "time_of_day": F.pmod(local_s, F.lit(86_400)) / 3600,
        "weekday": weekday.cast("double"),
        "is_weekend": (weekday >= 5).cast("double"),
        "day_of_year": F.dayofyear(local).cast("double"),
    }
    return {f"calendar__{part}": parts[part] for part in feature.parts}
