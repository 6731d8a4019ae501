"""JSON lines to raw records: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.io.raw_record import RawRecord
from pipelines.io.raw_text import has_no_text


def json_records(text: Iterable[str], not_text: str = "not UTF-8") -> Iterator[RawRecord]:
    """Records of JSON lines: one object a line; numbers keep their digits, nested values their JSON.

    not_text: the problem of a line with bytes that are no text.
    """
    for position, line in enumerate(text, 1):
        raw = line.rstrip("\r\n")
        if not raw.strip():
            continue
        problem, fields = not_text if has_no_text(raw) else "", {}
        if not problem:
            try:
                fields = _object(raw)
            except (ValueError, RecursionError) as error:
                problem = f"not a JSON object: {error}"
        yield RawRecord(position, raw, fields, problem)


def _object(raw: str) -> dict[str, str | None]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len({name for name, _ in pairs}) < len(pairs):
            raise ValueError("a name stands twice in one object")
        return dict(pairs)

    content = json.loads(raw, object_pairs_hook=unique, parse_float=_Digits, parse_int=_Digits, parse_constant=_Digits)
    if not isinstance(content, dict):
        raise ValueError("the line holds no object")
    fields = {name: _text(value) for name, value in content.items()}
    "".join([*fields, *(value or "" for value in fields.values())]).encode()  # half a surrogate pair is no text
    return fields


class _Digits(str):
    """A number as it was written."""


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    return json.dumps(value, ensure_ascii=False)
