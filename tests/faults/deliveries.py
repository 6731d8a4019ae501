"""Two small deliveries of metered, written by hand: the second brings every outcome there is."""

from __future__ import annotations

from collections.abc import Mapping

DOMAIN = "metered"
_READINGS = "region_id,interval_start,demand_gw,revision,revised_at,status"


def _reading(at: str, gigawatts: str, revision: int = 0, revised_at: str = "", status: str = "final") -> str:
    return f"VIC,{at}:00+10:00,{gigawatts},{revision},{revised_at},{status}"


def _observation(at: str, temperature: str) -> str:
    return f'{{"region_id": "VIC", "observed_at": "{at}:00+10:00", "temp_c": {temperature}}}'


def _lines(*lines: str) -> str:
    return "\n".join(lines) + "\n"


_REVISED_AT = "2014-02-12T09:00:00+10:00"

FIRST: Mapping[str, str] = {
    "readings/2014-02-12.csv": _lines(
        _READINGS,
        *[_reading(f"2014-02-10T{hour:02}:00", f"{4 + hour / 10:.6f}") for hour in range(0, 24, 3)],
        *[_reading(f"2014-02-11T{hour:02}:30", f"{5 + hour / 10:.6f}") for hour in range(0, 24, 3)],
    ),
    "weather/2014-02-12.jsonl": _lines(
        *[_observation(f"2014-02-10T{hour:02}:00", f"{18 + hour / 10:.1f}") for hour in range(0, 24, 6)]
    ),
}
"""Clean, so that the tables of withdrawn and quarantined records are made by the second delivery."""

SECOND: Mapping[str, str] = {
    "readings/2014-02-13.csv": _lines(
        _READINGS,
        *[_reading(f"2014-02-12T{hour:02}:00", f"{6 + hour / 10:.6f}") for hour in range(0, 24, 3)],
        _reading("2014-02-10T00:00", "4.050000", 1, _REVISED_AT),
        _reading("2014-02-10T03:00", "4.350000", 2, _REVISED_AT),
        _reading("2014-02-10T03:00", "4.340000", 1, _REVISED_AT),
        _reading("2014-02-10T06:00", "4.600000"),
        _reading("2014-02-10T09:00", "", 1, _REVISED_AT, "withdrawn"),
        _reading("2014-02-12T21:00", "8.100000"),
        _reading("2014-02-12T22:00", "n/a"),
        _reading("2014-02-12T23:00", "4123.9"),
    ),
}

OUTCOMES: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("readings/2014-02-12.csv", "silver.metered_load"): {"new": 16},
    ("weather/2014-02-12.jsonl", "silver.metered_weather"): {"new": 4},
    ("readings/2014-02-13.csv", "silver.metered_load"): {
        "new": 8,
        "updated": 2,
        "deleted": 1,
        "unchanged": 1,
        "duplicate": 1,
        "superseded": 1,
        "quarantined": 2,
    },
}
"""By file and table, what becomes of the records of both deliveries."""


def records_in(name: str, text: str) -> int:
    """How many raw records a file here holds; none of them spans lines."""
    return sum(bool(line.strip()) for line in text.splitlines()) - name.endswith(".csv")
