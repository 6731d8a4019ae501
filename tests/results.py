"""Measured results as data: lists of records in JSON, and the table beside them that is made from it."""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from pipelines.settings import PROJECT

MEASURED = ("what", "ours", "reference", "goal", "first_mark", "protocol", "seed", "samples", "commit", "seconds")
FAULTS = ("fault", "where", "round", "cases", "inflicted", "failures", "seed", "seconds", "commit")
_WRITTEN = (":!tests/bench/results", ":!tests/faults/results.json", ":!tests/quality/results.json", ":!*README.md")

Record = Mapping[str, Any]


class CodeChanged(RuntimeError):
    """Files were edited during a measurement."""


@dataclass(frozen=True)
class Code:
    """What is checked out and measured. commit: with "+dirty" if any file but results differs from it."""

    commit: str
    digest: str

    @classmethod
    def now(cls) -> Code:
        differs = _git("status", "--porcelain", "--", ".", *_WRITTEN)
        content = _git("diff", "HEAD", "--", ".", *_WRITTEN)
        commit = _git("rev-parse", "HEAD")
        digest = hashlib.sha256("\n".join((commit, differs, content)).encode()).hexdigest()
        return cls(commit + ("+dirty" if differs else ""), digest)

    def must_stand(self) -> None:
        """CodeChanged if the code is another by now: then figures from before and after do not belong together."""
        if Code.now() != self:
            raise CodeChanged("the code changed while it was measured; nothing is recorded, run again")


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], cwd=PROJECT, check=True, capture_output=True, text=True).stdout.strip()


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
