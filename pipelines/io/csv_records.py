"""CSV to raw records, one by one: what is odd costs its own record and no other."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from pipelines.io.raw_record import RawRecord
from pipelines.io.raw_text import has_no_text

LONGEST_FIELD = 1_000_000
"""Characters; a stray quote must not swallow more than this before it is found out."""


class Lines:
    """Lines with their numbers, that can be taken back: what `csv.reader` consumed for a record stays in `taken`."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self._back = iter(lines), deque[str]()
        self.taken: list[str] = []
        self.number = 0

    def __iter__(self) -> Lines:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self.number += 1
        self.taken.append(line)
        return line

    def keep_first_only(self) -> None:
        """Give back all lines of this record but its first."""
        self._back.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        del self.taken[1:]


def csv_records(
    text: Iterable[str], delimiter: str, quote: str = '"', not_text: str = "not UTF-8"
) -> Iterator[RawRecord]:
    """Records of a CSV whose first record is the header; `text` yields lines with their ends.

    A quoted line break is one record. Where a stray quote swallows lines, its own line alone is the broken record and
    the lines after it are read afresh. not_text: the problem of a record with bytes that are no text.
    """
    csv.field_size_limit(LONGEST_FIELD)
    lines = Lines(text)
    dialect: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(lines, delimiter=delimiter, strict=True, **dialect)
    header: list[str] | None = None
    header_problem = ""
    while True:
        lines.taken.clear()
        problem, tokens = "", []
        try:
            tokens = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"not CSV: {error}"
        if header is None:
            header, header_problem = [token.strip() for token in tokens], problem
            if not problem and len(set(header)) < len(header):
                header_problem = "the header names a field twice"
            if not problem and has_no_text("".join(header)):
                header_problem = f"the header is {not_text}"
            if problem:
                lines.keep_first_only()
            continue
        if not problem and len(tokens) != len(header) and tokens:
            problem = f"{len(tokens)} fields where the header has {len(header)}"
        if problem and len(lines.taken) > 1:
            lines.keep_first_only()
            problem = "a quote that is never closed"
        raw = "".join(lines.taken)
        if not tokens and not problem:
            continue  # a blank line is no record
        position = lines.number - len(lines.taken) + 1
        problem = header_problem or problem or (not_text if has_no_text(raw) else "")
        yield RawRecord(
            position, raw.rstrip("\r\n"), {} if problem else dict(zip(header, tokens, strict=True)), problem
        )
