"""What a fit took, kept in its workspace: told with the fit, and what estimates of later fits are made from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.contracts.fits import FitPlan, Workspace
from pipelines.contracts.tasks import GLOBAL, ParamValue, Scope
from pipelines.contracts.usage import Sample, Usage

_FILE = "measured.json"


@dataclass(frozen=True)
class Measured:
    """One fit that was carried out here. rows: examples times steps of the train and the validate span."""

    family: str
    engine: str
    workers: int
    device: str
    params: dict[str, ParamValue]
    rows: int
    features: int
    usage: Usage
    scope: Scope = GLOBAL


def measured(plan: FitPlan, rows: int, usage: Usage) -> Measured:
    features = len(plan.frame.features)
    made_by = (plan.family, plan.engine, plan.workers, plan.device)
    return Measured(*made_by, dict(plan.params), rows, features, usage, plan.scope)


def keep(of: Measured, workspace: Workspace) -> None:
    """Write it whole or not at all."""
    partial = workspace.path / f".{_FILE}"
    partial.write_text(json.dumps(asdict(of)) + "\n", encoding="utf-8")
    partial.replace(workspace.path / _FILE)


def kept(workspace: Workspace) -> Measured | None:
    """What was measured of the fit in this workspace, None if nothing was."""
    file = workspace.path / _FILE
    return _read(file) if file.exists() else None


def all_kept(folder: Path) -> list[Measured]:
    """What was measured of every fit whose workspace lies below `folder`."""
    return [_read(file) for file in sorted(folder.rglob(_FILE))]


def _read(file: Path) -> Measured:
    content = json.loads(file.read_text(encoding="utf-8"))
    usage = content["usage"]
    samples = tuple(Sample(**sample) for sample in usage["samples"])
    return Measured(**content | {"usage": Usage(**usage | {"samples": samples})})
