"""The user's file as text, column by column, by the project's own reader: what is read here is what bronze reads."""

from __future__ import annotations

import codecs
import csv
import io
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pipelines.contracts.records import fields_of
from pipelines.contracts.sources import Source
from pipelines.io import packed
from pipelines.io.records import RawFile, file_columns
from pipelines.scaffold.refusal import ScaffoldRefused

SOURCE = "records"
"""What the one source of a written domain is called."""
_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT = 65_536  # characters, for the dialect
_SHOWN = 24  # records that the domain's sample shows
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Reading:
    """What a file holds. columns: by field, the text of each good record without blanks at its ends, "" for none;
    broken: why records could not be read, with how many; header, shown: the raw text of the header and of some records.
    """

    path: Path
    source: Source
    columns: dict[str, list[str]]
    broken: Counter[str]
    header: str
    shown: tuple[str, ...]

    @property
    def rows(self) -> int:
        return len(next(iter(self.columns.values())))


def read(path: Path) -> Reading:
    """The file's records as text; ScaffoldRefused where there are none, or it is no CSV with a header."""
    content = _content(path)
    encoding = _encoding(content, path)
    text = content.decode(encoding, "replace").removeprefix("\ufeff")
    if not text.strip():
        raise ScaffoldRefused(f"{path}: the file is empty. Give one with a header and rows")
    source = Source(SOURCE, format="csv", delimiter=_delimiter(text[:_LOOKED_AT]), encoding=encoding)
    columns, broken, shown = _columns(content, source)
    if broken and not columns:
        why, _ = broken.most_common(1)[0]
        raise ScaffoldRefused(f"{path}: no record can be read: {why}. Mend the file, or its header")
    if not columns:
        raise ScaffoldRefused(f"{path}: there is a header, but no row below it. Give a file with rows")
    if all(_is_number(name) for name in columns):
        raise ScaffoldRefused(
            f"{path}: its first line holds values, no names. Put a line with the columns' names first"
        )
    return Reading(path, source, columns, broken, text.splitlines()[0], shown)


def _content(path: Path) -> bytes:
    if packed.is_zip(path.name):
        raise ScaffoldRefused(f"{path}: a zip may hold many files. Unpack it and give one of them")
    try:
        with path.open("rb") as stream, packed.as_damage():
            return packed.unpacked(stream, path.name).read()
    except OSError as error:
        raise ScaffoldRefused(
            f"{path}: cannot be read ({error.strerror or error}). Give the path of a CSV file"
        ) from None
    except packed.Damaged as damage:
        raise ScaffoldRefused(f"{path}: cannot be unpacked ({damage}). Give it whole") from None


def _encoding(content: bytes, path: Path) -> str:
    """By its byte order mark, else UTF-8 if it is that throughout, else what Windows writes in western Europe."""
    marked = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "")
    if marked:
        return marked
    if b"\x00" in content[:_LOOKED_AT]:
        raise ScaffoldRefused(f"{path}: it holds bytes that are no text. Give a CSV file, or export the sheet as CSV")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _delimiter(beginning: str) -> str:
    """The one that cuts most of the first lines into as many fields as it cuts the header into, more than one."""
    lines = io.StringIO(beginning, newline="").readlines()
    lines = (lines[:-1] if len(lines) > 1 and len(beginning) == _LOOKED_AT else lines)[:200]

    def agreeing(delimiter: str) -> tuple[float, int]:
        try:
            widths = [len(fields) for fields in csv.reader(lines, delimiter=delimiter) if fields]
        except csv.Error:
            return 0.0, 0
        if not widths or widths[0] < 2:
            return 0.0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    best = max(_DELIMITERS, key=agreeing)
    return best if agreeing(best)[1] else _DELIMITERS[0]


def _columns(content: bytes, source: Source) -> tuple[dict[str, list[str]], Counter[str], tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    broken: Counter[str] = Counter()
    shown: list[str] = []
    with tempfile.NamedTemporaryFile(suffix=".csv") as unpacked:
        unpacked.write(content)
        unpacked.flush()
        for batch in file_columns(RawFile(unpacked.name, unpacked.name, "", source, 0)):
            parts = (batch[name].to_pylist() for name in ("_raw", "_plain", "_problem", "_header", "_fields"))
            for raw, plain, problem, header, fields in zip(*parts, strict=True):
                if problem:
                    broken[problem] += 1
                    continue
                told = fields_of(raw if plain is None else plain, header).items() if fields is None else fields
                for name, value in told:
                    found.setdefault(name, []).append((value or "").strip(" "))
                if len(shown) < _SHOWN and "\n" not in raw and "\r" not in raw:
                    shown.append(raw)
    return found, broken, tuple(shown)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
