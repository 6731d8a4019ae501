"""A raw record: its place, its text and its fields, whatever state it is in."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class RawRecord:
    """One record as it came. position: line of its first character, or row, from 1; 0 is the file itself.

    problem: why it has no fields, or "".
    """

    position: int
    raw: str
    fields: dict[str, str | None] = field(default_factory=dict)
    problem: str = ""
