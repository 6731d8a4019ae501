"""Times without separators, read by the order of the file's rows; a row of 99 quantiles becomes 99 rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from pipelines.contracts.records import Fields, Unparsed

_STAMP = re.compile(r"(?P<month_day>\d{2,4})(?P<year>\d{4}) (?P<hour>\d{1,2}):00")
NEAR = timedelta(days=31)
_LEVEL = re.compile(r"0\.\d\d?")


def load(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """The hour's instant beside what the record says."""
    kept = list(records)
    for record, hour in zip(kept, _hours(kept), strict=True):
        yield hour if isinstance(hour, Unparsed) else [{**record, "hour_ends_at": hour.isoformat()}]


def benchmark(records: Iterable[Fields]) -> Iterator[Sequence[Fields] | Unparsed]:
    """A row for each quantile of the hour."""
    kept = list(records)
    for record, hour in zip(kept, _hours(kept), strict=True):
        if isinstance(hour, Unparsed):
            yield hour
        else:
            said = {"ZONEID": record.get("ZONEID"), "hour_ends_at": hour.isoformat()}
            yield [{**said, "level": name, "load": text} for name, text in record.items() if _LEVEL.fullmatch(name)]


def _hours(records: Sequence[Fields]) -> list[datetime | Unparsed]:
    """The instant of each record. `1112001 1:00` is the 11th of January or the 1st of November; rows are an hour apart,
    so the nearest row that can be read in one way only tells which. The readings lie ten months apart: a few rows that
    are missing between the two do no harm."""
    readings = [_readings(record.get("TIMESTAMP") or "") for record in records]
    certain = [place for place, found in enumerate(readings) if len(found) == 1]
    hours: list[datetime | Unparsed] = []
    nearest = 0
    for place, found in enumerate(readings):
        while nearest + 1 < len(certain) and abs(certain[nearest + 1] - place) < abs(certain[nearest] - place):
            nearest += 1
        expected = [readings[near][0] + timedelta(hours=place - near) for near in certain[nearest : nearest + 1]]
        likely = [reading for reading in found for hour in expected if abs(reading - hour) < NEAR]
        if len(likely) == 1:
            hours.append(likely[0])
        elif found:
            either = " or ".join(f"{reading:%Y-%m-%d}" for reading in found)
            hours.append(Unparsed(f"TIMESTAMP is {either}, and no row near it tells which"))
        else:
            hours.append(Unparsed("TIMESTAMP is no month, day, year and hour"))
    return hours


def _readings(stamp: str) -> list[datetime]:
    """All instants that the text can mean: month and day have no leading zeros."""
    parts = _STAMP.fullmatch(stamp.strip())
    found = []
    for width in (1, 2) if parts else ():
        month, day = parts["month_day"][:width], parts["month_day"][width:]
        if day and not day.startswith("0"):
            try:
                found.append(datetime(int(parts["year"]), int(month), int(day), int(parts["hour"]), tzinfo=UTC))
            except ValueError:
                continue  # no such day
    return found
