"""How large the files of a table should be: few large ones for who reads it all, small ones for who corrects a part.

A correction rewrites every file that it touches. In a table laid out by key the corrections of a few days touch a few
neighbouring files, so these are made small: what is rewritten then comes near to what is changed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

_MIB = 1024**2
_LARGEST_BYTES = 128 * _MIB
_SMALLEST_BYTES = 8 * _MIB  # below it, opening a file costs a reader more than its rows
_FILES = 64


@dataclass(frozen=True)
class Layout:
    """by: the columns that the rows are laid out by, none for any order. file_bytes: about the size of a file."""

    by: tuple[str, ...] = ()
    file_bytes: int = _LARGEST_BYTES

    @property
    def small_bytes(self) -> int:
        """A file below this size is worth putting together with others."""
        return self.file_bytes // 4

    def packed(self, sizes: Sequence[int]) -> int:
        """About how many files these become, given their sizes in bytes."""
        return max(1, math.ceil(sum(sizes) / self.file_bytes))


def layout(sizes: Sequence[int], by: tuple[str, ...]) -> Layout:
    """The layout for a table in files of these sizes: laid out by columns it has about 64 files, of 8 to 128 MiB."""
    return Layout(by, min(_LARGEST_BYTES, max(_SMALLEST_BYTES, sum(sizes) // _FILES))) if by else Layout()
