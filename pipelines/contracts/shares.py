"""Rows that go to several tables in one pass: what each table takes of them, and what they take from it."""

from __future__ import annotations

from dataclasses import dataclass

HELD_FILE, HELD_ROW = "_held_file", "_held_row"
"""Where a row lies that a table holds: the name of its file, and its number there from 0."""


@dataclass(frozen=True)
class Share:
    """The rows of a frame that one table takes.

    where: a boolean column of the frame that says which; a row may be in several shares, or in none. columns: what the
    table takes of a row. goes: "", or a boolean column that says which rows the table shall hold no more; they lie at
    their HELD_FILE and HELD_ROW. is_begun: the table is there afterwards, even if no row is for it.
    """

    table: str
    where: str
    columns: tuple[str, ...]
    goes: str = ""
    is_begun: bool = False
