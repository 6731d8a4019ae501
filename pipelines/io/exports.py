"""Folders that are there whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from pipelines.io.failures import UnknownNameError

MANIFEST = "model.json"


def publish_folder(target: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into `target`, in place of an earlier export that lies there.

    UnknownNameError where something else lies there, which stays as it is.
    """
    must_be_free(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        made, before = folder / "made", folder / "before"
        made.mkdir()
        for name, content in files.items():
            (made / name).write_bytes(content)
        if target.exists():
            target.rename(before)
        made.rename(target)
    finally:
        shutil.rmtree(folder)


def must_be_free(target: Path) -> None:
    """UnknownNameError where something else than an export lies."""
    if target.is_dir() and ((target / MANIFEST).exists() or not any(target.iterdir())):
        return
    if target.exists():
        raise UnknownNameError(f"{target} is there and is no earlier export. Name another folder by --to")
