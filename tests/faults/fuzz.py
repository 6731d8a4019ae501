"""Files of fuzzed records, made from a seed: what each record holds, where it stands, and the bytes as written."""

from __future__ import annotations

import io
import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.faults.fuzz_texts import plain, strange

Fields = Mapping[str, str | None]
RECORDS_A_FILE = 500
_LINE_END = re.compile("\r\n|\r|\n")
_TOO_LONG = 1_000_001  # one character more than a field of a CSV may have
_PLAIN_SHARE, _BROKEN_SHARE, _REPEATED_SHARE = 0.4, 0.1, 0.05


@dataclass(frozen=True)
class Written:
    """A record. position: of its first line, or its row. raw: its text as it must be shown, None where the format has
    no text. fields: None where it can have none, since it is broken."""

    position: int
    raw: str | None
    fields: Fields | None


@dataclass(frozen=True)
class File:
    """name: below the domain's folder. content: its bytes."""

    name: str
    content: bytes
    records: tuple[Written, ...]


class _Text:
    """A text file that is being written: knows its lines, and keeps what was written."""

    def __init__(self, encoding: str) -> None:
        self._encoding, self._content, self._line = encoding, io.BytesIO(), 1
        self.records: list[Written] = []

    def add(self, text: str, end: str) -> None:
        """Text that is no record."""
        self._content.write((text + end).encode(self._encoding, "surrogateescape"))
        self._line += len(_LINE_END.findall(text + end))

    def record(self, text: str, end: str, fields: Fields | None) -> None:
        """Bytes that are no text stand in it as half surrogates."""
        self.records.append(Written(self._line, _shown(text), fields))
        self.add(text, end)

    def file(self, name: str) -> File:
        return File(name, self._content.getvalue(), tuple(self.records))


def files(number: int, seed: int) -> list[File]:
    """So many records in each of the four formats; in two of three files of text, lines end as they do anywhere."""
    made = []
    for source, (write, ending) in _FORMATS.items():
        for begin in range(0, number, RECORDS_A_FILE):
            draw = random.Random(f"{seed} {source} {begin}")
            name = f"{source}/2014-02-01-{begin:05}.{ending}"
            numbers = range(begin, min(begin + RECORDS_A_FILE, number))
            made.append(write(name, [_drawn(draw, each, begin) for each in numbers], draw))
    return made


def in_another_encoding(name: str, number: int) -> File:
    """A CSV in GB18030 of which every record has bytes that are no UTF-8, as it looks to who takes it for that."""
    rows = [{**plain(random.Random(i), i), "note": "中文"} for i in range(number)]
    text = _Text("utf-8")
    for i, row in enumerate([dict(zip(rows[0], rows[0], strict=True)), *rows]):
        line = ",".join(row.values()).encode("gb18030").decode("utf-8", "surrogateescape")
        text.record(line, "\n", None) if i else text.add(line, "\n")
    return text.file(name)


def _shown(text: str) -> str:
    return re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", text)


def _drawn(draw: random.Random, number: int, begin: int) -> dict[str, str]:
    # the same draw is the same record: now and then one is said twice, or an earlier key again
    if number > begin and draw.random() < _REPEATED_SHARE:
        earlier = draw.randrange(begin, number)
        return plain(random.Random(earlier), earlier) if draw.random() < 0.5 else plain(draw, earlier)
    return plain(random.Random(number), number) if draw.random() < _PLAIN_SHARE else strange(draw, number)


def _csv(encoding: str, not_text: tuple[bytes, ...]) -> Callable[[str, list[dict[str, str]], random.Random], File]:
    def write(name: str, records: list[dict[str, str]], draw: random.Random) -> File:
        text = _Text(encoding)
        header = list(records[0])
        draw.shuffle(header)
        # one file in three has lines of one kind and no broken ones: those are read in another way
        is_even = draw.random() < 0.34
        ends = (draw.choice(("\n", "\r\n")),) if is_even else ("\n", "\r\n", "\r")
        text.add(draw.choice(("", "\ufeff")) + ",".join(header), ends[0])
        while records:
            fields = records.pop()
            row, end = [fields[field] for field in header], draw.choice(ends)
            if is_even:
                row = [re.sub("\r\n?", "\n", value) for value in row]
                fields = dict(zip(header, row, strict=True))
            if not is_even and draw.random() < _BROKEN_SHARE:
                _broken_row(text, [plain(draw, 0)[field] for field in header], end, draw, not_text)
                if records:  # a quote that was left open finds its end before a letter, so it is told from a good one
                    after = plain(draw, len(records))
                    records.pop()
                    text.record(",".join(f'"{after[field]}"' for field in header), end, after)
                continue
            line = ",".join(_quoted(value, draw) for value in row)
            text.record(line, end, fields)
            if draw.random() < 0.02:
                text.add("", end)
        return text.file(name)

    return write


def _quoted(value: str, draw: random.Random) -> str:
    must = re.search('[,\r\n]|^"', value)
    return '"' + value.replace('"', '""') + '"' if must or draw.random() < 0.2 else value


def _broken_row(text: _Text, row: list[str], end: str, draw: random.Random, not_text: tuple[bytes, ...]) -> None:
    values = [value.replace(",", "") for value in row]
    kind = draw.choice(("few", "many", "no text", "open", "after a quote", "long"))
    if kind == "few":
        values = values[: draw.randint(1, len(values) - 1)]
    elif kind == "many":
        values += ["more"] * draw.randint(1, 300)
    elif kind == "no text":
        values[-1] += draw.choice(not_text).decode("ascii", "surrogateescape")
    elif kind == "open":
        values[0] = f'"{values[0]}'
    elif kind == "after a quote":
        values[1] = f'"{values[1]}"x'
    elif draw.random() < 0.1:  # each is a megabyte
        values[2] = "x" * _TOO_LONG
    else:
        values.pop()
    text.record(",".join(values), end, None)


def _json(name: str, records: list[dict[str, str]], draw: random.Random) -> File:
    text = _Text("utf-8")
    text.add(draw.choice(("", "\ufeff")), "")
    for drawn in records:
        end = draw.choice(("\n", "\r\n"))
        fields: dict[str, str | None] = dict(drawn)
        members = [f"{json.dumps(name)}: {_json_value(value, draw)}" for name, value in drawn.items()]
        if draw.random() < 0.1:  # a member that is not there, or null, or one that nobody declared
            at = draw.randrange(len(members))
            gone = list(drawn)[at]
            if draw.random() < 0.5:
                fields[gone], members[at] = None, f'"{gone}": null'
            else:
                del fields[gone], members[at]
            members.append('"other": {"deep": [1, null, "x"]}')
        draw.shuffle(members)
        line = "{" + ", ".join(members) + "}"
        if draw.random() < _BROKEN_SHARE:
            text.record(_broken_json(line, draw), end, None)
        else:
            text.record(line, end, fields)
        if draw.random() < 0.02:
            text.add(" ", end)
    return text.file(name)


def _json_value(value: str, draw: random.Random) -> str:
    is_bare = re.fullmatch(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?|true|false|NaN|-?Infinity", value)
    if is_bare and draw.random() < 0.7:
        return value
    return json.dumps(value, ensure_ascii=draw.random() < 0.3)


def _broken_json(line: str, draw: random.Random) -> str:
    return draw.choice(
        (
            line[: draw.randint(1, len(line) - 1)].rstrip("\r\n "),
            f"[{line}]",
            line + "}",
            '"words"',
            "7",
            "null",
            "[" * 100_000,
            line[:-1] + ', "note": "again", "note": "and again"}',
            line[:-1] + ', "half": "\\ud83d"}',
            line[:-1] + ', "half \\udc00": 1}',
            line[:-1] + ', "control": "\x00"}',
            line[:-1] + ', "bytes": "\udcff\udce4\udcb8"}',
            line.replace('"', "'"),
        )
    )


def _parquet(name: str, records: list[dict[str, str]], draw: random.Random) -> File:
    """A column of text for each field, or of its own type."""
    return _typed_parquet(name, len(records), draw) if draw.random() < 0.5 else _text_parquet(name, records, draw)


def _text_parquet(name: str, records: list[dict[str, str]], draw: random.Random) -> File:
    rows: list[dict[str, str | None]] = [
        {field: None if draw.random() < 0.01 else value for field, value in fields.items()} for fields in records
    ]
    written = [Written(i, json.dumps(row, ensure_ascii=False), row) for i, row in enumerate(rows, 1)]
    notes = [None if row["note"] is None else row["note"].encode() for row in rows]
    for i in draw.sample(range(len(rows)), len(rows) // 10):
        notes[i] = b"bytes \xff"
        written[i] = Written(i + 1, json.dumps({**rows[i], "note": "bytes ?"}, ensure_ascii=False), None)
    raws = [(w.raw or "").replace("bytes ?", "bytes \\xff") if w.fields is None else w.raw for w in written]
    columns: dict[str, Any] = {field: pa.array([row[field] for row in rows], pa.string()) for field in rows[0]}
    columns["note"] = pa.array(notes, pa.binary())
    records_in = tuple(Written(w.position, raw, w.fields) for w, raw in zip(written, raws, strict=True))
    return File(name, _table(columns, draw), records_in)


def _typed_parquet(name: str, number: int, draw: random.Random) -> File:
    micros = (-(2**62), -62135596800000000, -62135596800000001, 253402300799999999, 253402300800000000, 2**62, 0)
    thousandths = (1000, 1001, -9999999999990, 10**13)
    doubles = (float("nan"), float("inf"), float("-inf"), -0.0, 5e-324, 1.7976931348623157e308, 3.0, 1e15, 0.1)
    columns: dict[str, tuple[pa.DataType, Callable[[int], Any]]] = {
        "item_id": (pa.string(), lambda i: f"k{draw.randint(0, 9 * number)}"),
        "pieces": (pa.float64(), lambda i: draw.choice((3.0, -0.0, 2147483647.0, 2147483648.0, 3.5, float("nan")))),
        "total": (pa.int64(), lambda i: draw.choice((2**63 - 1, -(2**63), i))),
        "amount": (pa.decimal128(14, 3), lambda i: Decimal(draw.choice(thousandths)).scaleb(-3)),
        "share": (pa.float64(), lambda i: draw.choice((*doubles, draw.uniform(-1e9, 1e9)))),
        "noted_at": (pa.timestamp("us", "UTC"), lambda i: draw.choice((*micros, draw.randint(0, 2**50)))),
        "is_open": (pa.bool_(), lambda i: draw.choice((True, False, None))),
        "note": (pa.string(), lambda i: draw.choice(("", None, "x", "=cmd", "\x00"))),
    }
    held = {field: [value(i) for i in range(number)] for field, (_, value) in columns.items()}
    rows = [{field: _told(field, held[field][i]) for field in held} for i in range(number)]
    arrays = {field: pa.array(held[field], kind) for field, (kind, _) in columns.items()}
    return File(name, _table(arrays, draw), tuple(Written(i, None, row) for i, row in enumerate(rows, 1)))


def _told(field: str, value: Any) -> str | None:
    """A value of a typed column as text, by Python's own rules."""
    if field == "noted_at":
        try:
            return (datetime(1970, 1, 1) + timedelta(microseconds=value)).isoformat(timespec="microseconds") + "Z"
        except OverflowError:
            return "a year that no calendar has"
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _table(columns: Mapping[str, Any], draw: random.Random) -> bytes:
    content = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), content, row_group_size=draw.choice((7, 100, 10_000)))
    return content.getvalue()


_FORMATS: Mapping[str, tuple[Callable[[str, list[dict[str, str]], random.Random], File], str]] = {
    "csv_utf8": (_csv("utf-8", (b"\xff", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe4\xb8")), "csv"),
    "csv_gb18030": (_csv("gb18030", (b"\xff", b"\xff\xff")), "csv"),
    "lines": (_json, "jsonl"),
    "rows": (_parquet, "parquet"),
}
