"""The landing zone: what a source dropped, kept byte for byte under its content's hash."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipelines.contracts.deliveries import DroppedFile
from pipelines.contracts.sources import Source

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
    """What lies in a domain's drop folders. unreadable: for each file that cannot be read, which, why, what to do."""

    files: tuple[DroppedFile, ...]
    unreadable: tuple[str, ...]


def dropped(folder: Path, sources: Iterable[Source]) -> Drop:
    """Every file below the sources' drop folders, by name; names that start with a dot are still being written."""
    files, unreadable = [], []
    for source in sources:
        for path in sorted((folder / source.name).rglob("*")):
            is_lost = path.is_symlink() and not path.exists()
            if path.name.startswith(".") or not (path.is_file() or is_lost):
                continue
            name = path.relative_to(folder).as_posix()
            try:
                files.append(DroppedFile(source.name, name, str(path), path.stat().st_size, _sha256(path)))
            except OSError as error:
                unreadable.append(f"{name}: cannot be read ({error.strerror}). Mend or remove it")
    return Drop(tuple(files), tuple(unreadable))


def archive(file: DroppedFile, zone: Path) -> Path:
    """Copy a dropped file into the landing zone; returns where. The copy is checked against the hash taken before."""
    kept = zone / file.source / f"{file.sha256[:12]}-{Path(file.name).name}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f".{kept.name}.partial")
        try:
            shutil.copyfile(file.path, partial)
            copied = _sha256(partial)
        except OSError as error:
            raise LandingError(f"{file.path}: cannot be kept in {kept.parent} ({error.strerror}). Run again") from error
        if copied != file.sha256:
            partial.unlink()
            raise LandingError(f"{file.path}: changed while it was being landed. Run again once its writer is done.")
        partial.replace(kept)
    return kept


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
