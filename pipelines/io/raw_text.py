"""Bytes to text in any encoding: bytes that are no text are kept, can be told, and are shown."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from typing import IO

_NO_TEXT = re.compile("[\ud800-\udfff]")  # no decoder makes these of what is text
_ESCAPE = 0xDC00
_MARK = "\ufeff"  # the byte order mark, in any encoding


def _escaped(error: UnicodeError) -> tuple[str, int]:
    """Each byte that is no text as a character of its own; a wide unit goes as a whole, or all after it shift."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    end = error.end if error.encoding.startswith(("utf-16", "utf-32")) else error.start + 1
    return "".join(chr(_ESCAPE + byte) for byte in error.object[error.start : end]), end


codecs.register_error("headrace.escaped", _escaped)


class Undecodable(Exception):
    """A file cannot be text of its encoding at all: UTF-16 that does not say which byte of a unit comes first, say."""


def lines(stream: IO[bytes], encoding: str) -> Iterator[str]:
    """The text of a stream line by line, each with its own end (\\n, \\r or \\r\\n); a byte order mark is no text."""
    with _undecodable():
        text = _decoded(stream, encoding)
        yield from (line.removeprefix(_MARK) for line in islice(text, 1))
        yield from text


def blocks(stream: IO[bytes], encoding: str, characters: int) -> Iterator[str]:
    """The same text in pieces of so many characters, cut anywhere."""
    with _undecodable():
        text = _decoded(stream, encoding)
        piece = text.read(characters).removeprefix(_MARK)
        while piece:
            yield piece
            piece = text.read(characters)


@contextmanager
def _undecodable() -> Iterator[None]:
    try:
        yield
    except UnicodeError as error:
        raise Undecodable(str(error)) from error


def _decoded(stream: IO[bytes], encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(stream, encoding=encoding, errors="headrace.escaped", newline="")


def text_of(content: bytes) -> str:
    """These bytes as UTF-8, those that are no text among them."""
    return content.decode("utf-8", "headrace.escaped")


def has_no_text(raw: str) -> bool:
    """Whether some bytes of this were no text."""
    return not raw.isascii() and _NO_TEXT.search(raw) is not None


def printable(raw: str) -> str:
    """The text as valid Unicode: bytes that are no text are shown as backslash escapes."""
    return raw if raw.isascii() else _NO_TEXT.sub(_shown, raw)


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code - _ESCAPE:02x}" if _ESCAPE <= code < _ESCAPE + 256 else f"\\u{code:04x}"
