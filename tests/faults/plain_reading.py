"""What a raw record says by the declaration of fuzzed, in plain Python: its values, or why it is to be set apart.

Written apart from the transforms, on purpose: what they make of a record is compared with this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

_SPACE = "".join(map(chr, range(0x21)))  # what a cast to a number leaves out at both ends
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"([+-]?[0-9]+)(?:\.0*)?")
_ENDLESS = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE)
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2})(:[0-9]{2})?(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_BY_A_CLOCK = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
_FARTHEST_OFFSET = timedelta(hours=18)
_EXACT = Context(prec=2000)
_MOST_PLACES = 38


class Unread(ValueError):
    """Why a text gives no value, or not the one it says."""


def read(fields: Mapping[str, str | None], *, has_header: bool) -> tuple[dict[str, Any], list[str]]:
    """The values by column, and the reasons against the record.

    fields: as they were written. has_header: a field that is not there is missing, though it may be null.
    """
    values: dict[str, Any] = {}
    reasons = []
    for name, (reader, is_nullable) in _COLUMNS.items():
        text = (fields.get(name) or "").strip(" ")
        try:
            if not text and name not in fields and (has_header or not is_nullable):
                raise Unread("field missing")
            if not text and not is_nullable:
                raise Unread("empty")
            values[name] = reader(text) if text else None
        except Unread as why:
            reasons.append(f"{why}: {name}")
    return values, reasons


def _whole(bits: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        bare, with_a_point = text.strip(_SPACE + "\x7f"), text.strip(_SPACE)
        found = re.fullmatch(r"([+-]?[0-9]+)", bare) or _WHOLE.fullmatch(with_a_point)
        if not found or not -(1 << bits - 1) <= int(found[1]) < 1 << bits - 1:
            raise Unread("unreadable")
        return int(found[1])

    return whole


def _money(text: str) -> Decimal:
    said = text.strip(_SPACE)
    if not _NUMBER.fullmatch(said):
        raise Unread("unreadable")
    number = Decimal(said)
    if number.adjusted() >= 11 and number:
        raise Unread("unreadable")
    rounded = number.quantize(Decimal("0.01"), ROUND_HALF_UP, _EXACT)
    if abs(rounded) >= 10**10:
        raise Unread("unreadable")
    if rounded != number:
        raise Unread("inexact")
    return rounded or Decimal("0.00")  # this type has no −0


def _double(text: str) -> float:
    said = text.strip(_SPACE)
    if _ENDLESS.fullmatch(said):
        raise Unread("not finite")
    if not _NUMBER.fullmatch(said):
        raise Unread("unreadable")
    number = float(said)
    if number in (float("inf"), float("-inf")):
        raise Unread("not finite")
    is_nothing = number == 0 and re.search("[1-9]", re.split("[eE]", said)[0])
    whole = _WHOLE.fullmatch(said)
    is_off = whole and (Decimal(repr(number)) != int(whole[1]) or abs(int(whole[1])) >= 10**_MOST_PLACES)
    if is_nothing or is_off:
        raise Unread("inexact")
    return number


def _instant(text: str) -> datetime:
    try:
        if _BY_A_CLOCK.fullmatch(text):
            return datetime.fromisoformat(text).replace(tzinfo=UTC)
        found = _INSTANT.fullmatch(text)
        if not found:
            raise Unread("unreadable")
        day, minute, second, fraction, offset = found.groups()
        at = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}")
        at = at.replace(microsecond=int((fraction or ".0")[1:].ljust(6, "0")), tzinfo=UTC)
        if offset in "Zz":
            return at
        hours, minutes = int(offset[1:3]), int(offset[4:])
        ahead = timedelta(hours=hours, minutes=minutes)
        if minutes > 59 or ahead > _FARTHEST_OFFSET:
            raise Unread("unreadable")
        return at - ahead if offset[0] == "+" else at + ahead
    except (ValueError, OverflowError):
        raise Unread("unreadable") from None


def _flag(text: str) -> bool:
    said = text.strip(_SPACE + "\x7f").lower()
    if said in ("true", "t", "yes", "y", "1"):
        return True
    if said in ("false", "f", "no", "n", "0"):
        return False
    raise Unread("unreadable")


_COLUMNS: Mapping[str, tuple[Callable[[str], Any], bool]] = {
    "item_id": (str, False),
    "pieces": (_whole(32), False),
    "total": (_whole(64), False),
    "amount": (_money, False),
    "share": (_double, False),
    "noted_at": (_instant, False),
    "is_open": (_flag, True),
    "note": (str, True),
}
"""By field: how its text is read, and whether it may be null."""
