"""What lies where sources put their files: packed files too, each by the hash of what is in it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from pipelines.contracts.deliveries import DroppedFile
from pipelines.contracts.sources import Source
from pipelines.io import packed
from pipelines.io.raw_text import has_no_text, printable

READ_AT_ONCE = 4
"""So many files are hashed and copied at once, which keeps a machine's cores busy, and a disk elsewhere."""


@dataclass(frozen=True)
class Drop:
    """What lies in a domain's drop folders. unreadable: for each file that cannot be read, which, why, what to do.

    left_alone: so many files of a source are none that its declaration asks for (`Source.files`).
    """

    files: tuple[DroppedFile, ...] = ()
    unreadable: tuple[str, ...] = ()
    left_alone: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Iterable[Drop]) -> Drop:
        """All that the parts hold."""
        parts = list(parts)
        left_alone = sum((Counter(part.left_alone) for part in parts if part.left_alone), Counter[str]())
        return cls(
            tuple(file for part in parts for file in part.files),
            tuple(line for part in parts for line in part.unreadable),
            left_alone,
        )


def found_in(source: Source, name: str, path: Path) -> Drop:
    """A file of a source, or all that a zip holds. name: below the source's folder."""
    if has_no_text(name):
        return Drop(unreadable=(f"{source.name}/{printable(name)}: the name is not UTF-8. Rename the file",))
    if not packed.is_zip(name):
        return _found(source, name, path, (), lambda: path.open("rb"))
    found: list[Drop] = []

    def damaged(members: tuple[str, ...], why: str) -> None:
        found.append(Drop(unreadable=(_damaged(f"{source.name}/{packed.shown(name, members)}", why),)))

    try:
        for member in packed.walk(path, damaged):
            found.append(_found(source, name, path, member.path, member.open))
    except OSError as error:
        found.append(Drop(unreadable=(_unread(f"{source.name}/{name}", error),)))
    if not found:  # nobody sends none on purpose, and a damaged table of contents may look so
        found.append(Drop(unreadable=(_damaged(f"{source.name}/{name}", "it holds no file"),)))
    return Drop.of(found)


def _found(source: Source, name: str, path: Path, members: tuple[str, ...], opened: Callable[[], IO[bytes]]) -> Drop:
    below = packed.shown(name, members)
    if not fnmatchcase(below, source.files):
        return Drop(left_alone={source.name: 1})
    full = f"{source.name}/{below}"
    try:
        with opened() as stream:
            size, sha256 = fingerprint(stream, below)
    except packed.Damaged as error:
        return Drop(unreadable=(_damaged(full, str(error)),))
    except OSError as error:
        return Drop(unreadable=(_unread(full, error),))
    return Drop((DroppedFile(source.name, full, str(path), size, sha256, members),))


def fingerprint(stream: IO[bytes], name: str) -> tuple[int, str]:
    """Size and SHA-256 of what is in a file of this name, once unpacked."""
    size, digest = 0, hashlib.sha256()
    with packed.as_damage():
        content = packed.unpacked(stream, name)
        while piece := content.read(1 << 20):
            size += len(piece)
            digest.update(piece)
    return size, digest.hexdigest()


def _damaged(name: str, why: str) -> str:
    return f"{name}: cannot be unpacked ({why}). Deliver it again whole, or remove it"


def _unread(name: str, error: OSError) -> str:
    return f"{name}: cannot be read ({error.strerror or error}). Mend or remove it"
