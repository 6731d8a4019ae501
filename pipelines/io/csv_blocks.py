"""CSV to raw records, block by block: what is plain is taken apart as whole columns, the rest record by record."""

from __future__ import annotations

import csv
import io
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.records import BETWEEN_FIELDS, packed_header
from pipelines.io.csv_records import LONGEST_FIELD, CsvReader, Header, MoreLines, dialect
from pipelines.io.raw_record import COLUMNS, FIELDS, in_columns
from pipelines.io.raw_text import has_no_text

_LONGEST_BLOCK = 1 << 28  # characters; Arrow's text ends at 2 GiB


def csv_columns(blocks: Iterable[str], delimiter: str, quote: str, not_text: str) -> Iterator[pa.RecordBatch]:
    """The records of a CSV whose first record is the header, in order, as COLUMNS. blocks: its text, cut anywhere.

    A line without a quote and with as many delimiters as the header has is a record just as it stands. Lines in which
    every quote can be closed are parsed all at once, if each of them is a record. All others are CsvReader's, one by
    one, and all ways give the same records.
    """
    file = _File(delimiter, quote, not_text)
    rest = ""
    for block in blocks:
        rest = yield from file.read(rest + block, is_end=False)
    yield from file.read(rest, is_end=True)


class _File:
    """What is known of the file from one block to the next: its header, and the number of the next line."""

    def __init__(self, delimiter: str, quote: str, not_text: str) -> None:
        self._reader = CsvReader(delimiter, quote, not_text)
        self._delimiter, self._quote = delimiter, quote
        self._header: Header | None = None
        self._number = 1

    def read(self, text: str, *, is_end: bool) -> Generator[pa.RecordBatch, None, str]:
        """The records of the text; returns what is left of it for the next block."""
        end = len(text) if is_end else _end_of_lines(text)
        if not end:
            return text
        block = _Block.of(text[:end])
        self._reader.take(block.lines, self._number, is_end=is_end)
        taken = yield from self._records(block)
        self._number += taken
        return "".join(block.lines[line] for line in range(taken, len(block.lines))) + text[end:]

    def _records(self, block: _Block) -> Generator[pa.RecordBatch, None, int]:
        """Returns how many lines were read."""
        reader, records = self._reader, []
        try:
            self._header = self._header or reader.header()
        except MoreLines:
            return 0
        header, taken = self._header, len(block.lines)
        quotes = block.count(self._quote)
        plain = block.plain(header, self._delimiter, quotes)
        plain[: reader.at] = False
        quoted, texts = block.quoted(header, self._delimiter, self._quote, quotes, reader.at)
        for line in np.flatnonzero(~(plain | quoted)).tolist():
            if line < reader.at:
                continue  # it belongs to the record before
            reader.at = line
            try:
                record = reader.record(header)
            except MoreLines:
                taken = line
                break
            plain[line : reader.at] = quoted[line : reader.at] = False
            if record is not None:
                records.append(record)
        plain[taken:] = quoted[taken:] = False
        yield from _in_order(
            block.records(plain, quoted, texts, header, self._delimiter, self._number),
            in_columns(records, packed_header(header.names, self._delimiter)),
        )
        return taken


@dataclass(frozen=True)
class _Block:
    """Some lines. lines: each with its end. texts: all without their ends, None if no line can be plain."""

    lines: Sequence[str]
    texts: pa.Array | None

    @classmethod
    def of(cls, text: str) -> _Block:
        returns = text.count("\r") if "\r" in text else 0  # the question is answered sooner than the number is known
        end = "\n" if not returns or returns == text.count("\r\n") else "\r"
        is_odd = end == "\r" and "\n" in text
        if is_odd or len(text) > _LONGEST_BLOCK or has_no_text(text):
            return cls(list(io.StringIO(text, newline="")), None)
        lines = _Lines(text, end)
        texts = pa.array(lines.texts, pa.string())
        return cls(lines, pc.utf8_rtrim(texts, "\r") if end == "\n" and returns else texts)

    def count(self, character: str) -> np.ndarray:
        """How often each line has a character; "" is in none."""
        if self.texts is None or not character:
            return np.zeros(len(self.lines), np.int64)
        _, ends, content = self.texts.buffers()
        if not character.isascii() or content is None:
            return np.array(pc.count_substring(self.texts, character))
        # takes a third of the time of Arrow's own count; a byte of ASCII is a part of no other character
        places = np.flatnonzero(np.frombuffer(content, np.uint8) == ord(character))
        return np.diff(np.searchsorted(places, np.frombuffer(ends, np.int32)[: len(self.texts) + 1]))

    def plain(self, header: Header, delimiter: str, quotes: np.ndarray) -> np.ndarray:
        """Which lines are records just as they stand. quotes: how many each has."""
        if self.texts is None or header.problem or packed_header(header.names, delimiter) is None:
            return np.zeros(len(self.lines), bool)
        length = np.array(pc.binary_length(self.texts))
        is_whole = self.count(delimiter) == len(header.names) - 1
        return is_whole & (length > 0) & (length <= LONGEST_FIELD) & (quotes == 0)

    def quoted(
        self, header: Header, delimiter: str, quote: str, quotes: np.ndarray, first: int
    ) -> tuple[np.ndarray, Mapping[int, str]]:
        """Which lines from the first on are records whose quotes close where the line ends, and their plain texts."""
        found = np.zeros(len(self.lines), bool)
        if self.texts is None or header.problem or not quote or packed_header(header.names, BETWEEN_FIELDS) is None:
            return found, {}
        can_close = (quotes > 0) & (quotes % 2 == 0)
        can_close[:first] = False
        numbers = np.flatnonzero(can_close)
        try:
            rows = list(csv.reader(self.texts.take(pa.array(numbers)).to_pylist(), **dialect(delimiter, quote)))
        except csv.Error:
            return found, {}
        if len(rows) < len(numbers):  # one of them goes on in the next
            return found, {}
        width = len(header.names)
        texts = {
            line: text
            for line, row in zip(numbers.tolist(), rows, strict=True)
            if len(row) == width and (text := BETWEEN_FIELDS.join(row)).count(BETWEEN_FIELDS) == width - 1
        }
        found[list(texts)] = True
        return found, texts

    def records(
        self,
        plain: np.ndarray,
        quoted: np.ndarray,
        texts: Mapping[int, str],
        header: Header,
        delimiter: str,
        first: int,
    ) -> pa.RecordBatch:
        """These lines as COLUMNS, whose fields are in their texts alone.

        texts: the plain ones of quoted lines. first: the number of the first line of the block.
        """
        is_record = plain | quoted
        if self.texts is None or not is_record.any():
            return in_columns([])
        lines = np.flatnonzero(is_record)
        is_quoted = quoted[lines]
        told = pa.array([texts[line] for line in np.flatnonzero(quoted).tolist()], pa.string())
        nth = np.cumsum(is_quoted, dtype=np.int32) - np.int32(1)
        packed = pa.array([packed_header(header.names, one) for one in (delimiter, BETWEEN_FIELDS)], pa.string())
        return pa.RecordBatch.from_arrays(
            [
                pa.array(first + lines, pa.int64()),
                self.texts.filter(pa.array(is_record)),
                pa.nulls(len(lines), pa.string()),
                pa.nulls(len(lines), FIELDS),
                told.take(pa.array(nth, mask=~is_quoted)),
                packed.take(pa.array(is_quoted.astype(np.int8))),
            ],
            schema=COLUMNS,
        )


class _Lines(Sequence[str]):
    """Lines of one kind of end, without it in `texts`, with it as items."""

    def __init__(self, text: str, end: str) -> None:
        self.texts = text.split(end)
        self._end = end
        self._ends = len(self.texts) - 1  # so many lines have one
        if not self.texts[-1]:
            self.texts.pop()

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, line: int) -> str:  # type: ignore[override]
        return self.texts[line] + (self._end if line < self._ends else "")


def _end_of_lines(text: str) -> int:
    """Where the last whole line ends. A carriage return at the very end may be half of a line's end."""
    return text.rfind("\n") + 1 or text.rfind("\r", 0, len(text) - 1) + 1


def _in_order(*batches: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    filled = [batch for batch in batches if batch.num_rows]
    if len(filled) > 1:
        together = pa.Table.from_batches(filled)
        filled = together.take(pc.sort_indices(together["_position"])).combine_chunks().to_batches()
    yield from filled
