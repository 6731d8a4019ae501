"""Instants and days in text: the datetime patterns of a declaration, and what each reads."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

_TOKEN = re.compile(r"yyyy|MM|M|dd|d|HH|H|h|mm|ss|SSSSSS|SSS|a|XXX|'[^']*'|.")
_READS = {
    "yyyy": r"(?P<year>\d{4})",
    "MM": r"(?P<month>\d{2})",
    "M": r"(?P<month>\d{1,2})",
    "dd": r"(?P<day>\d{2})",
    "d": r"(?P<day>\d{1,2})",
    "HH": r"(?P<hour>\d{2})",
    "H": r"(?P<hour>\d{1,2})",
    "h": r"(?P<hour>\d{1,2})",
    "mm": r"(?P<minute>\d{2})",
    "ss": r"(?P<second>\d{2})",
    "SSS": r"(?P<fraction>\d{3})",
    "SSSSSS": r"(?P<fraction>\d{6})",
    "a": r"(?P<half>AM|PM)",
    "XXX": r"(?P<offset>Z|[+-]\d{2}:\d{2})",
}
_DAYS = (
    *("yyyy-MM-dd", "yyyy/MM/dd", "yyyy.MM.dd", "dd-MM-yyyy", "MM-dd-yyyy", "dd/MM/yyyy", "MM/dd/yyyy", "dd.MM.yyyy"),
    *("d-M-yyyy", "M-d-yyyy", "d/M/yyyy", "M/d/yyyy", "d.M.yyyy"),
)
_TIMES = (
    *("HH:mm", "HH:mm:ss", "HH:mm:ss.SSS", "HH:mm:ss.SSSSSS", "H:mm", "H:mm:ss", "h:mm a", "h:mm:ss a"),
    *("HH:mmXXX", "HH:mm:ssXXX", "HH:mm:ss.SSSXXX", "HH:mm:ss.SSSSSSXXX"),
)


@dataclass(frozen=True)
class Pattern:
    """A pattern as a declaration writes it, e.g. "dd-MM-yyyy HH:mm"."""

    text: str

    @property
    def has_time(self) -> bool:
        return "mm" in self.text

    @property
    def has_offset(self) -> bool:
        return "XXX" in self.text

    def read(self, text: str) -> datetime | None:
        """The instant that `text` says, UTC where it names no offset; None if it is none. [0-9] alone are digits."""
        found = _compiled(self.text).fullmatch(text)
        if not found or not text.isascii():
            return None
        said = found.groupdict()
        hour = int(said.get("hour") or 0)
        if said.get("half"):
            if not 1 <= hour <= 12:
                return None
            hour = hour % 12 + (12 if said["half"] == "PM" else 0)
        minute, second = (int(said.get(part) or 0) for part in ("minute", "second"))
        fraction, zone = int((said.get("fraction") or "").ljust(6, "0")), _zone(said.get("offset") or "Z")
        try:
            at = datetime(int(said["year"]), int(said["month"]), int(said["day"]), hour, minute, second, fraction, zone)
            return at.astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def swapped(self) -> Pattern:
        """With day and month in each other's place."""
        return Pattern("".join({"d": "M", "M": "d"}.get(letter, letter) for letter in self.text))


PATTERNS = tuple(
    [Pattern(day) for day in _DAYS]
    + [Pattern(f"{_DAYS[0]}'T'{time}") for time in _TIMES]
    + [Pattern(f"{day} {time}") for day in _DAYS for time in _TIMES]
)
"""Those that are looked for; the first that reads every text is taken."""


def pattern_of(texts: Collection[str]) -> Pattern | None:
    """The first pattern that reads all of the texts; where day and month could be either, that of the two by which they
    lie closer together."""
    if not texts:
        return None
    found = next((pattern for pattern in PATTERNS if all(pattern.read(text) for text in texts)), None)
    if found and is_ambiguous(found, texts):
        return min((found, found.swapped()), key=lambda pattern: _length(pattern, texts))
    return found


def is_ambiguous(pattern: Pattern, texts: Collection[str]) -> bool:
    """Whether the texts could be read with day and month the other way round just as well."""
    other = pattern.swapped()
    return not pattern.text.startswith("yyyy") and all(other.read(text) for text in texts)


def _length(pattern: Pattern, texts: Collection[str]) -> timedelta:
    instants = [instant for text in texts if (instant := pattern.read(text))]
    return max(instants) - min(instants)


_COMPILED: dict[str, re.Pattern[str]] = {}


def _compiled(text: str) -> re.Pattern[str]:
    if text not in _COMPILED:
        parts = (_READS.get(token) or re.escape(token.strip("'")) for token in _TOKEN.findall(text))
        _COMPILED[text] = re.compile("".join(parts))
    return _COMPILED[text]


def _zone(offset: str) -> timezone:
    if offset == "Z":
        return UTC
    hours, minutes = int(offset[1:3]), int(offset[4:6])
    span = timedelta(hours=hours, minutes=minutes)
    return timezone(-span if offset[0] == "-" else span)
