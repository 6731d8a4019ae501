"""Finished fits, kept in their workspace: a run that died after a fit need not repeat it."""

from __future__ import annotations

import json
from dataclasses import asdict

from pipelines.contracts.fits import CurvePoint, FitResult, WorkerRecord, Workspace
from pipelines.engines.recorder import end

_RESULT = "result.json"


def keep(result: FitResult, workspace: Workspace) -> None:
    """Write the model's bytes and then the rest; without the rest there is no result."""
    (workspace.path / f"model.{result.format}").write_bytes(result.model)
    rest = {name: value for name, value in asdict(result).items() if name != "model"}
    partial = workspace.path / f".{_RESULT}"
    partial.write_text(json.dumps(rest), encoding="utf-8")
    partial.replace(workspace.path / _RESULT)
    end(workspace)


def kept(workspace: Workspace) -> FitResult | None:
    """The finished fit of this workspace, None if it never got there."""
    file = workspace.path / _RESULT
    if not file.exists():
        return None
    rest = json.loads(file.read_text(encoding="utf-8"))
    return FitResult(
        model=(workspace.path / f"model.{rest['format']}").read_bytes(),
        format=rest["format"],
        curves=tuple(CurvePoint(**point) for point in rest["curves"]),
        importance=rest["importance"],
        workers=tuple(WorkerRecord(**record) for record in rest["workers"]),
        seconds=rest["seconds"],
        best_step=rest["best_step"],
        trained_share=rest.get("trained_share"),  # kept before there were adapters, it has none
    )
