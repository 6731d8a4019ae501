"""Measured results as data: lists of records in JSON, and the table beside them that is made from it."""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import pkgutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from types import ModuleType
from typing import Any

from pipelines.settings import PROJECT

MEASURED = ("what", "ours", "reference", "goal", "first_mark", "protocol", "seed", "samples", "commit", "seconds")
QUALITY = (*MEASURED, "seeds", "spread", "minutes", "more_is_better", "note")
FAULTS = ("fault", "where", "round", "cases", "inflicted", "failures", "seed", "seconds", "commit")
_WRITTEN = ("tests/bench/results/*", "tests/faults/results.json", "tests/quality/*.json", "*README.md")

Record = Mapping[str, Any]


class CodeChanged(RuntimeError):
    """Files were edited during a measurement."""


@dataclass(frozen=True)
class Code:
    """What lies in `tree` and is measured. commit: with "+dirty" if any file but results differs from it; "unknown"
    where the tree is no checkout, such as an archive of it."""

    commit: str
    digest: str
    tree: Path = PROJECT

    @classmethod
    def now(cls, tree: Path = PROJECT) -> Code:
        if not (tree / ".git").exists():  # git itself would go up, to whatever checkout the archive was unpacked in
            return cls("unknown", _digest_of_files(tree), tree)
        others = ("--", ".", *[f":!{pattern}" for pattern in _WRITTEN])
        differs = _git(tree, "status", "--porcelain", *others)
        content = _git(tree, "diff", "HEAD", *others)
        commit = _git(tree, "rev-parse", "HEAD")
        digest = hashlib.sha256("\n".join((commit, differs, content)).encode()).hexdigest()
        return cls(commit + ("+dirty" if differs else ""), digest, tree)

    def must_stand(self) -> None:
        """CodeChanged if the code is another by now: then figures from before and after do not belong together."""
        if Code.now(self.tree) != self:
            raise CodeChanged("the code changed while it was measured; nothing is recorded, run again")


def _git(tree: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=tree, check=True, capture_output=True, text=True).stdout.strip()


def _digest_of_files(tree: Path) -> str:
    """Over the names and contents of all files but results and what .gitignore names."""
    lines = (tree / ".gitignore").read_text().splitlines()
    ignored = [line.rstrip("/") for line in lines if line and not line.startswith("#")]
    digest = hashlib.sha256()
    for folder, below, names in os.walk(tree):
        here = Path(folder)
        # in place, so that the walk does not enter what is left out
        below[:] = sorted(name for name in below if not _is_any_of(here / name, tree, ignored))
        for path in (here / name for name in sorted(names)):
            if not _is_any_of(path, tree, (*ignored, *_WRITTEN)):
                content = hashlib.sha256(path.read_bytes()).hexdigest()
                digest.update(f"{path.relative_to(tree).as_posix()}\n{content}\n".encode())
    return digest.hexdigest()


def _is_any_of(path: Path, tree: Path, patterns: Iterable[str]) -> bool:
    """Whether a pattern fits the path's name, or its place in the tree."""
    place = path.relative_to(tree).as_posix()
    return any(fnmatch(path.name, pattern) or fnmatch(place, pattern) for pattern in patterns)


def write(path: Path, records: Iterable[Record], names: Sequence[str]) -> None:
    """Write a list of records, each with just these names, in their order; ValueError for any other record."""
    listed = list(records)
    for record in listed:
        if set(record) != set(names):
            raise ValueError(f"{path.name}: a record has {', '.join(record)}; it must have {', '.join(names)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([{name: record[name] for name in names} for record in listed], indent=1, allow_nan=False)
    path.write_text(text + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The records that `write` wrote; none if there is no such file yet."""
    return list(json.loads(path.read_text())) if path.exists() else []


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown; numbers shortened to four significant digits."""
    lines = [header, ["---"] * len(header), *[[_shown(cell) for cell in row] for row in rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def modules_in(package: ModuleType) -> dict[str, ModuleType]:
    """Every module of a package by name: a new case is a new file."""
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__))
    return {name: importlib.import_module(f"{package.__name__}.{name}") for name in names}


def _shown(cell: object) -> str:
    if isinstance(cell, float):
        return f"{cell:.4g}"
    return "–" if cell is None else str(cell).replace("|", "\\|")
