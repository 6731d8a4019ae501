"""Which rows of a file are meant, as short text: a bit for each row up to the last of them."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Iterable

import numpy as np


def marked(rows: np.ndarray) -> str:
    """Rows by number from 0, in any order."""
    bits = np.zeros(int(rows.max()) + 1 if len(rows) else 0, np.bool_)
    bits[rows] = True
    return base64.b64encode(zlib.compress(np.packbits(bits).tobytes(), 1)).decode("ascii")


def unmarked(marks: Iterable[str], count: int) -> np.ndarray:
    """Of each of the first `count` rows whether it is in none of the marks."""
    left = np.ones(count, np.bool_)
    for mark in marks:
        bits = np.unpackbits(np.frombuffer(zlib.decompress(base64.b64decode(mark)), np.uint8))[:count]
        left[: len(bits)] &= bits == 0
    return left
