"""A domain's folder from a user's file: read, inferred, judged, written whole or not at all."""

from __future__ import annotations

import keyword
import shutil
from dataclasses import dataclass
from pathlib import Path

from pipelines.contracts.names import checked_name
from pipelines.scaffold import templates
from pipelines.scaffold.columns import infer_all
from pipelines.scaffold.declaration import declaration
from pipelines.scaffold.draft import Draft
from pipelines.scaffold.findings import Finding
from pipelines.scaffold.horizon import horizon_of, seasons_of
from pipelines.scaffold.leaks import leaks_of
from pipelines.scaffold.readiness import findings
from pipelines.scaffold.reading import Reading, read
from pipelines.scaffold.refusal import ScaffoldRefused
from pipelines.scaffold.report import Confirm, markdown, terminal, to_confirm
from pipelines.scaffold.roles import roles_of
from pipelines.scaffold.shape import shape_of
from pipelines.scaffold.skill import season_steps, skill_of


@dataclass(frozen=True)
class NewDomain:
    """What was written. report: for the terminal."""

    folder: Path
    draft: Draft
    findings: list[Finding]
    confirms: list[Confirm]
    report: str


def new_domain(name: str, file: Path, target: str, into: Path) -> NewDomain:
    """Write the folder `into/name` from a CSV file.

    target: the column to be asked about, "" to choose one. Raises ScaffoldRefused or DeclarationError, with nothing
    written, where the name cannot be used or no domain can be made of the file.
    """
    folder = _free(name, into)
    draft = _draft(name, read(file), target)
    skill = skill_of(draft.reading, draft.shape, draft.roles, draft.horizon)
    found = findings(draft, skill)
    files = _files(draft)
    confirms = to_confirm({path: content for path, content in files.items() if path.endswith(".py")})
    files["READINESS.md"] = markdown(draft, found, confirms)
    _write(folder, files, draft.reading.source.encoding)
    return NewDomain(folder, draft, found, confirms, terminal(draft, found, confirms))


def _free(name: str, into: Path) -> Path:
    checked_name(name, "domain")
    if keyword.iskeyword(name):
        raise ScaffoldRefused(f"domain '{name}': it is a word of Python. Choose another name")
    for path in (into / name, into / f"{name}.py"):
        if path.exists():
            raise ScaffoldRefused(f"{path}: is there already. Choose another name, or remove it first")
    return into / name


def _draft(name: str, reading: Reading, target: str) -> Draft:
    columns = infer_all(reading.columns)
    shape = shape_of(reading, columns, target)
    leaks = {} if shape.kind == "series" else leaks_of(reading, columns, shape)
    horizon = None
    if shape.kind == "series":
        horizon = horizon_of(shape)
        horizon = horizon.with_season(season_steps(reading, shape, seasons_of(horizon)))
    roles = roles_of(columns, shape, reading.rows, leaks)
    return Draft(name, reading, columns, shape, roles, leaks, horizon, bool(target))


def _files(draft: Draft) -> dict[str, str]:
    """By path below the folder, the text of every file."""
    return {
        "__init__.py": templates.package(draft),
        "domain.py": declaration(draft),
        **({"parse.py": templates.parse(draft)} if draft.has_parser else {}),
        "decide.py": templates.decide(draft),
        "samples.py": templates.samples(draft),
        **templates.sample(draft),
    }


def _write(folder: Path, files: dict[str, str], encoding: str) -> None:
    """All files, then the folder's name: a domain that is half there would be found and fail."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        for name, content in files.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            is_raw = name.startswith("sample/") and not name.endswith("quarantined.csv")
            path.write_bytes(content.encode(encoding if is_raw else "utf-8"))
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise ScaffoldRefused(f"{folder}: cannot be written ({error.strerror or error})") from None
