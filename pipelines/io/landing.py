"""The landing zone: what a source dropped, kept byte for byte under its content's hash."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO

from pipelines.contracts.deliveries import DroppedFile
from pipelines.contracts.sources import Source
from pipelines.io import packed

_EMBEDDED = ".embedded"  # marks a drop folder that already got the domain's embedded records


class LandingError(RuntimeError):
    """Dropped files could not be landed; the message says which, why and what to do."""


def has_embedded(folder: Path) -> bool:
    """True if the embedded records were dropped into this domain's folder before."""
    return (folder / _EMBEDDED).exists()


def drop_embedded(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Put a domain's embedded records where its source systems would put theirs; complete or not marked as done."""
    for name, content in files:
        write_atomically(folder / name, content)
    write_atomically(folder / _EMBEDDED, b"")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


@dataclass(frozen=True)
class Drop:
    """What lies in a domain's drop folders. unreadable: for each file that cannot be read, which, why, what to do.

    left_alone: so many files of a source are none that its declaration asks for (`Source.files`).
    """

    files: tuple[DroppedFile, ...]
    unreadable: tuple[str, ...]
    left_alone: Mapping[str, int]


def dropped(folder: Path, sources: Iterable[Source]) -> Drop:
    """Every file below the sources' drop folders, by name, those in zips too; names that start with a dot are still
    being written."""
    found = _Found()
    for source in sources:
        for path in sorted((folder / source.name).rglob("*")):
            is_lost = path.is_symlink() and not path.exists()
            if not path.name.startswith(".") and (path.is_file() or is_lost):
                found.add(source, path.relative_to(folder / source.name).as_posix(), path)
    return Drop(tuple(found.files), tuple(found.unreadable), dict(found.left_alone))


class _Found:
    """Files as they are found, one by one."""

    def __init__(self) -> None:
        self.files: list[DroppedFile] = []
        self.unreadable: list[str] = []
        self.left_alone: Counter[str] = Counter()

    def add(self, source: Source, name: str, path: Path) -> None:
        """A file of a source, or all that a zip holds. name: below the source's folder."""
        if not packed.is_zip(name):
            self._add(source, name, path, (), lambda: path.open("rb"))
            return

        def damaged(members: tuple[str, ...], why: str) -> None:
            self.unreadable.append(_damaged(f"{source.name}/{packed.shown(name, members)}", why))

        try:
            for member in packed.walk(path, damaged):
                self._add(source, name, path, member.path, member.open)
        except OSError as error:
            self.unreadable.append(_unread(f"{source.name}/{name}", error))

    def _add(
        self, source: Source, name: str, path: Path, members: tuple[str, ...], opened: Callable[[], IO[bytes]]
    ) -> None:
        below = packed.shown(name, members)
        if not fnmatchcase(below, source.files):
            self.left_alone[source.name] += 1
            return
        full = f"{source.name}/{below}"
        try:
            with opened() as stream:
                size, sha256 = _fingerprint(stream, below)
        except packed.Damaged as error:
            self.unreadable.append(_damaged(full, str(error)))
        except OSError as error:
            self.unreadable.append(_unread(full, error))
        else:
            self.files.append(DroppedFile(source.name, full, str(path), size, sha256, members))


def archive(file: DroppedFile, zone: Path) -> Path:
    """Copy a dropped file into the landing zone as it is, out of its zip if it lies in one; returns where. The copy's
    content is checked against the hash taken before."""
    kept = zone / file.source / f"{file.sha256[:12]}-{Path(file.name).name}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f".{kept.name}.partial")
        try:
            with packed.opened(Path(file.path), file.members) as stream, partial.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
            with partial.open("rb") as copy:
                _, copied = _fingerprint(copy, kept.name)
        except packed.Damaged:
            copied = ""
        except OSError as error:
            raise LandingError(f"{file.path}: cannot be kept in {kept.parent} ({error.strerror}). Run again") from error
        if copied != file.sha256:
            partial.unlink(missing_ok=True)
            raise LandingError(f"{file.path}: changed while it was being landed. Run again once its writer is done.")
        partial.replace(kept)
    return kept


def _fingerprint(stream: IO[bytes], name: str) -> tuple[int, str]:
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
