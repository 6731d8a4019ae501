"""Names of columns from the names of fields: snake_case, the unit last."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

_IN_BRACKETS = re.compile(r"^(?P<name>.*?)[\s_]*(?:\[(?P<square>[^\]]{1,12})\]|\((?P<round>[^)]{1,12})\))\s*$")
_UNITS = (
    *("%", "°C", "°F", "K", "C", "F", "W", "kW", "MW", "GW", "Wh", "kWh", "MWh", "V", "A", "Hz", "kHz", "rpm", "Nm"),
    *("mm", "cm", "m", "km", "m²", "m³", "m/s", "km/h", "g", "kg", "t", "l", "Pa", "hPa", "kPa", "bar", "psi", "mbar"),
    *("ms", "s", "min", "h", "days", "months", "years", "USD", "EUR", "GBP", "AUD", "CHF", "€", "$", "£", "pct"),
)
_LAST_WORDS = ("kW", "MW", "GW", "kWh", "MWh", "Hz", "rpm", "km", "cm", "mm", "kg", "USD", "EUR", "GBP", "hPa", "kPa")
_SPELT = {"%": "pct", "°": "deg", "€": "eur", "$": "usd", "£": "gbp"}
_WRITTEN = {"€": "EUR", "$": "USD", "£": "GBP", "pct": "%"}
_TAKEN = frozenset(
    (
        *(
            "available_at",
            "known_at",
            "known_until",
            "valid_to",
            "cut_at",
            "at",
            "split",
            "split_share",
            "step",
            "label",
        ),
        *("family", "actual", "baseline", "outcome", "probability", "ingested_at"),
    )
)
"""What Headrace's own tables call their columns."""
_LONGEST = 60
_OF_TIME = re.compile(r"_?(date_?time|time_?stamp|timestamp|datetime|date|time|day|ts|at|on)$")


def named(field: str, taken: Collection[str] = ()) -> tuple[str, str]:
    """(the column's name, its unit, "" for none) of a field; no name in `taken` is given again."""
    field, unit = _unit(field)
    name = snake(field)
    end = spelt(unit)
    if end and name.rpartition("_")[2] != end:
        name = f"{name}_{end}"
    if name in _TAKEN:
        name = f"{name}_told"
    return free(name, taken), unit


def instant_named(name: str, end: str, taken: Collection[str] = ()) -> str:
    """The name of an instant ("at") or a day ("on"): `order_date` becomes `order_at`, `datetime` is `measured_at`."""
    stem = _OF_TIME.sub("", name).strip("_") or "measured"
    name = f"{stem}_{end}"
    return free(f"{stem}_told_{end}" if name in _TAKEN else name, taken)


def free(name: str, taken: Collection[str]) -> str:
    """The name, or the next one with a number that is not taken."""
    number, found = 2, name
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def snake(text: str) -> str:
    """Lower-case words joined by single underscores, beginning with a letter: `toolWear%` → `tool_wear`."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z])", "_", plain)
    words = re.sub(r"[^a-z0-9]+", "_", plain.lower()).strip("_")[:_LONGEST].strip("_")
    if not words:
        return "column"
    return words if words[0].isalpha() else f"column_{words}"


def spelt(unit: str) -> str:
    """How a unit is written at a name's end: MW → mw, °C → c, m³/s → m3s."""
    plain = unicodedata.normalize("NFKD", _SPELT.get(unit, unit))
    return re.sub(r"[^a-z0-9]", "", plain.lower())


def _unit(field: str) -> tuple[str, str]:
    """The field without its unit, and the unit; both as they are written."""
    if found := _IN_BRACKETS.match(field):
        unit = (found["square"] or found["round"]).strip()
        if found["name"] and (unit in _UNITS or found["square"]) and " " not in unit and spelt(unit):
            return found["name"], _WRITTEN.get(unit, unit)
    word = re.split(r"[\s_]", field.strip())[-1]
    unit = next((unit for unit in _LAST_WORDS if word.lower() == unit.lower()), "")
    return field, unit
