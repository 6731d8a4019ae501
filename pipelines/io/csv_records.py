"""CSV to raw records, one by one: what is odd costs its own record and no other."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.io.raw_record import RawRecord
from pipelines.io.raw_text import has_no_text

LONGEST_FIELD = 1_000_000
"""Characters; a stray quote must not swallow more than this before it is found out."""


def dialect(delimiter: str, quote: str) -> dict[str, Any]:
    """How Python's csv module is to read. quote: "" for none."""
    quoting: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    return {"delimiter": delimiter, "strict": True, **quoting}


class MoreLines(Exception):
    """The record goes on in lines that are not there yet."""


@dataclass(frozen=True)
class Header:
    """The names of the fields. problem: that of all records of the file, or ""."""

    names: tuple[str, ...]
    problem: str


class CsvReader:
    """Reads a record at the line `at` of some lines, and moves on to the next one.

    A quoted line break is one record. Where a stray quote swallows lines, its own line alone is the broken record and
    the lines after it are read afresh. not_text: the problem of a record with bytes that are no text.
    """

    def __init__(self, delimiter: str, quote: str, not_text: str) -> None:
        csv.field_size_limit(LONGEST_FIELD)
        self._reader = csv.reader(self, **dialect(delimiter, quote))
        self._not_text = not_text
        self._lines: Sequence[str] = ()
        self._first, self._is_end = 1, False
        self.at = 0

    def take(self, lines: Sequence[str], first: int, *, is_end: bool) -> None:
        """Read from these lines now, each with its end. first: the number of the first of them; is_end: none follow."""
        self._lines, self._first, self._is_end, self.at = lines, first, is_end, 0

    def __iter__(self) -> CsvReader:
        return self

    def __next__(self) -> str:
        """The next line, for the parser."""
        if self.at == len(self._lines):
            if not self._is_end:
                raise MoreLines
            raise StopIteration
        self.at += 1
        return self._lines[self.at - 1]

    def header(self) -> Header:
        """The record as the header; one that is broken gives way to the line after it."""
        begin = self.at
        tokens, problem = self._tokens()
        if problem:
            self.at = begin + 1
        names = tuple(token.strip() for token in tokens)
        if not problem and len(set(names)) < len(names):
            problem = "the header names a field twice"
        if not problem and has_no_text("".join(names)):
            problem = f"the header is {self._not_text}"
        return Header(names, problem)

    def record(self, header: Header) -> RawRecord | None:
        """The record, None if its line is blank. Raises MoreLines where its end is not there, and stays."""
        begin = self.at
        tokens, problem = self._tokens()
        if not problem and len(tokens) != len(header.names) and tokens:
            problem = f"{len(tokens)} fields where the header has {len(header.names)}"
        if problem and self.at > begin + 1:
            self.at = begin + 1
            problem = "a quote that is never closed"
        raw = "".join(self._lines[line] for line in range(begin, self.at))
        if not tokens and not problem:
            return None
        problem = header.problem or problem or (self._not_text if has_no_text(raw) else "")
        fields: dict[str, str | None] = {} if problem else dict(zip(header.names, tokens, strict=True))
        return RawRecord(self._first + begin, raw.rstrip("\r\n"), fields, problem)

    def _tokens(self) -> tuple[list[str], str]:
        begin = self.at
        try:
            return next(self._reader), ""
        except MoreLines:
            self.at = begin
            raise
        except csv.Error as error:
            return [], f"not CSV: {error}"
