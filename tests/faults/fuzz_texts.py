"""Texts that a field of a delivery may hold: what people write, what systems make of it, what attackers try."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

_OF_NUMBERS = (
    *("", "  ", " 7 ", "\t7", "7\t", "\x007", "7\x00", "7\x7f", "\xa07", "\u30007", "+7", "-7", "007", "--7"),
    *("7-", ".", "7.0", "7.00", "7.", "7.5", "7.0\t", ".7", "7,0", "1,000", "1_000", "1 000", "7e0", "7e2"),
    *("7E+2", "1e-400", "7d", "7L", "7f", "0x7", "0x7p1", "0b1", "７", "٧", "1.７", "1.2３４", "−7", "\u20287"),
    *("NaN", "nan", "Infinity", "-inf", "1e400", "-1e999", "null", "None", "n/a", "#N/A", "seven", "=1+1"),
    *("7 OR 1=1", "2147483647", "2147483648", "-2147483648", "-2147483649", "2147483648.0", "4294967296"),
    *("9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808"),
    *("9223372036854775807.0", "1" * 39, "9" * 400, "9999999999.99", "9999999999.995", "10000000000", "0.005"),
    *("0.001", "1.005e0", "1.20000", "12.34e-1", "0e9", "-0.0", "1.7976931348623157e308"),
    *("1.7976931348623159e308", "4.9e-324", "9007199254740993\t", "0." + "0" * 50, "1e23"),
)
_OF_INSTANTS = (  # among them hours that some clock skips or has twice
    *("", "0000-01-01T00:00Z", "0001-01-01T00:00Z", "9999-12-31T23:59:59.999999Z", "9999-12-31 23:59:59"),
    *("0001-01-01 00:00:00", "0001-01-01T00:00+01:00", "9999-12-31T23:59-00:01", "10000-01-01T00:00Z"),
    *("+10000-01-01T00:00Z", "-0001-01-01T00:00Z", "1582-10-10T12:00Z", "1900-02-29T00:00Z", "2000-02-29T00:00Z"),
    *("2015-02-29T00:00Z", "2014-13-01T00:00Z", "2014-02-01T24:00Z", "2014-02-01T23:59:60Z"),
    *("2016-12-31T23:59:60Z", "2014-03-30 02:30:00", "2014-03-30T02:30+01:00", "2014-10-26 02:30:00"),
    *("2014-10-26T02:30+02:00", "2014-03-09 02:30:00", "2014-11-02 01:30:00", "2014-11-02T01:30-04:00"),
    *("2011-12-30T12:00-10:00", "2014-02-01T00:00+18:00", "2014-02-01T00:00+18:01", "2014-02-01T00:00+01:60"),
    *("2014-02-01T00:00-00:00", "2014-02-01T00:00", "2014-02-01", "01.02.2014", "2/1/14", "1391212800"),
    *("2014-02-01T00:00:00.1234567Z", "now()", "2014-02-01t00:00z", "2014-02-01T00:00:00.1Z"),
    *("2014-02-01T00:00.5Z", "2014-02-01  00:00:00", "2014-2-1T00:00Z", " 2014-02-01T00:00Z "),
    *("2014-02-01T00:00Z\t", "\ufeff2014-02-01T00:00Z", "２014-02-01T00:00Z", "0099-01-01T00:00Z"),
)
_OF_FLAGS = (
    *("", "TRUE", "t", "Yes", "n", "1", "0", "on", "2", "true\t", "\x00false", "ｔrue", "wahr", "null", "f\x7f"),
)
_OF_WORDS = (
    *("", " ", "   ", "\u3000", "\xa0", "null", "NULL", "None", "NaN", "undefined", "\\N", "-", "#REF!"),
    *("=cmd|' /C calc'!A0", "@SUM(1+1)*cmd|' /C calc'!A0", "+1+1", "'; DROP TABLE items; --", "1' OR '1'='1"),
    *("$(reboot)", "`id`", "; rm -rf /", "| cat /etc/passwd", "../../etc/passwd", "${jndi:ldap://x/a}"),
    *("{{7*7}}", "%s%n", "%00", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;b&gt;", "]]>"),
    *("<!--", '{"a": [1]}', "_fields['note']", 'a"b', '"', '""', '"quoted"', "it's", "a,b", ",", ";", "\t"),
    *("back\\slash", "\\", '\\"', "a\\nb", "''", "line\nbreak", "line\r\nbreak", "\nfirst", "last\n", "old\rmac"),
    *("\r", "a\n\n\nb", "a\u2028b", "a\u2029b", "a\x85b", "a\x0bb", "nul\x00nul", "\x00", "\x01\x02\x1f"),
    *("\x1b[31mred", "\x7f", "\ufeffmark", "\ufeff", "a\ufffeb", "\uffff", "�", "中文字段", "𠮷野家", "Ω≈ç√", "é", "é"),
    *("👩\u200d👩\u200d👧", "\u202egnirts", "\u200b", "مرحبا", "ﬀ", "İı", "𝒳", "\U0010ffff"),
)
ODD: Mapping[str, Sequence[str]] = {
    "item_id": _OF_WORDS,
    **dict.fromkeys(("pieces", "total", "amount", "share"), _OF_NUMBERS),
    "noted_at": _OF_INSTANTS,
    "is_open": _OF_FLAGS,
    "note": _OF_WORDS,
}
"""By field: texts of which most mean nothing there, and some something else than they seem to."""


def plain(draw: random.Random, number: int) -> dict[str, str]:
    """The fields of a record that anybody would read the same way."""
    day, second = draw.randint(1, 28), draw.randint(0, 59)
    return {
        "item_id": f"k{number}",
        "pieces": str(draw.randint(-(2**31), 2**31 - 1)),
        "total": str(draw.randint(-(2**63), 2**63 - 1)),
        "amount": f"{draw.randint(-(10**11), 10**11) / 100:.2f}",
        "share": repr(draw.uniform(-1, 1) * 10 ** draw.randint(-300, 300)),
        "noted_at": f"{draw.randint(1, 9999):04}-{draw.randint(1, 12):02}-{day:02}T{day - 1:02}:30:{second:02}+10:00",
        "is_open": draw.choice(("true", "false")),
        "note": f"as usual, no {number}",
    }


def words(draw: random.Random) -> str:
    """Text of any characters that are text; some of it long."""
    if draw.random() < 0.005:
        return draw.choice("x中\n") * draw.randint(10_000, 200_000) + "."
    ranges = ((0x20, 0x7E), (0, 0x24F), (0x4E00, 0x9FFF), (0xE000, 0xFFFF), (0x10000, 0x10FFFF))
    return "".join(chr(draw.randint(*draw.choice(ranges))) for _ in range(draw.randint(1, 12)))


def strange(draw: random.Random, number: int) -> dict[str, str]:
    """A record with one to three odd fields."""
    fields = plain(draw, number)
    for name in draw.sample(list(fields), draw.choice((1, 1, 2, 3))):
        is_word = name in ("item_id", "note")
        fields[name] = words(draw) if is_word and draw.random() < 0.4 else draw.choice(ODD[name])
        if name == "item_id" and draw.random() < 0.7:  # else it is one of very few keys
            fields[name] += f"-{number}"
    return fields
