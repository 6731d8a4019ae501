"""The landing zone: what a source dropped, kept byte for byte under its content's hash."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from pipelines.contracts.deliveries import DroppedFile
from pipelines.io import fault, packed
from pipelines.io.drops import fingerprint

_LONGEST_NAME = 200  # bytes; file systems take 255, and the hash and the mark of a partial copy come on top
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


def archive(file: DroppedFile, zone: Path) -> Path:
    """Copy a dropped file into the landing zone as it is, out of its zip if it lies in one; returns where. The copy's
    content is checked against the hash taken before."""
    ending = Path(file.name).name.encode()[-_LONGEST_NAME:].decode(errors="ignore")
    kept = zone / file.source / f"{file.sha256[:12]}-{ending}"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        partial = kept.with_name(f".{kept.name}.partial")
        try:
            with packed.opened(Path(file.path), file.members) as stream, partial.open("wb") as copy:
                shutil.copyfileobj(stream, copy)
            with partial.open("rb") as copy:
                _, copied = fingerprint(copy, kept.name)
        except packed.Damaged:
            copied = ""
        except OSError as error:
            raise LandingError(f"{file.path}: cannot be kept in {kept.parent} ({error.strerror}). Run again") from error
        if copied != file.sha256:
            partial.unlink(missing_ok=True)
            raise LandingError(f"{file.path}: changed while it was being landed. Run again once its writer is done.")
        fault.point(f"keep:{file.name}:before")
        partial.replace(kept)
        fault.point(f"keep:{file.name}:after")
    return kept
