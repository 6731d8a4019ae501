"""Excel sheets to raw records: a row is a record, its cells are text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import IO, Any

from openpyxl import load_workbook

from pipelines.io.raw_record import RawRecord


def excel_records(stream: IO[bytes], sheet: str) -> Iterator[RawRecord]:
    """Records of a sheet, the first if `sheet` is "", by the number of their row; the first row with a value in it is
    the header. The raw text is the row as JSON. A day is an instant without zone, `2014-02-01T00:00:00`.

    A workbook that cannot be read on is one record that says so, at the row that it reached.
    """
    position = 0
    try:
        book = load_workbook(stream, read_only=True, data_only=True)
        if sheet and sheet not in book.sheetnames:
            yield RawRecord(0, "", problem=f"no sheet '{sheet}' among {', '.join(book.sheetnames)}")
            return
        page = book[sheet] if sheet else book.worksheets[0]
        page.reset_dimensions()  # what other programs write there need not be so
        rows = page.iter_rows(values_only=True)
        names: list[str] | None = None
        while (row := next(rows, None)) is not None:
            position += 1
            texts = _without_end([_text(value) for value in row])
            if not texts:
                continue
            if names is None:
                names = [(text or "").strip() for text in texts]
            else:
                yield _record(position, names, texts)
    except Exception as error:  # noqa: BLE001 - a foreign parser over foreign bytes raises whatever it comes to
        what = f"not Excel from row {position + 1} on" if position else "not Excel"
        yield RawRecord(position + 1 if position else 0, "", problem=f"{what}: {type(error).__name__}: {error}")


def _record(position: int, names: list[str], texts: list[str | None]) -> RawRecord:
    problem = ""
    if len(set(names)) < len(names):
        problem = "the header names a field twice"
    elif len(texts) > len(names):
        problem = f"{len(texts)} fields where the header has {len(names)}"
    padded = [*texts, *[None] * (len(names) - len(texts))]
    return RawRecord(
        position,
        json.dumps(texts, ensure_ascii=False),
        {} if problem else dict(zip(names, padded, strict=True)),
        problem,
    )


def _without_end(texts: list[str | None]) -> list[str | None]:
    """Without the empty cells after the last value."""
    while texts and not texts[-1]:
        texts.pop()
    return texts


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime | date | time) else str(value)
