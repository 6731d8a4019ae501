"""What crosses the border: files on their way in, messages on their way out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DroppedFile:
    """A file found in a source's drop folder. name: below the domain's drop folder, e.g. "weather/2014-02-01.jsonl".

    members: the names that lead to it in the zip at `path`. size, sha256: of what is in it, once unpacked.
    """

    source: str
    name: str
    path: str
    size: int
    sha256: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Brought:
    """Records of a file that say their fields alike: all by the same packed `header`, or without one (`header` is None)
    by the names in `fields`, all that any of them has.
    """

    file: str
    header: str | None
    records: int
    fields: frozenset[str]


@dataclass(frozen=True)
class Message:
    """Something to be told to the outside exactly once: `key` is unique for ever, `text` is what is told."""

    key: str
    domain: str
    task: str
    text: str
