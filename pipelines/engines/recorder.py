"""Learning curves as they grow, in a file that anyone may read meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

from pipelines.contracts.fits import CurvePoint, Workspace

CURVES = "curves.jsonl"


class FileRecorder:
    """Appends each point as one JSON line to `curves.jsonl` in the workspace; whole lines only, so reading is safe."""

    def __init__(self, workspace: Workspace) -> None:
        self._file: Path = workspace.path / CURVES
        self._file.parent.mkdir(parents=True, exist_ok=True)

    def record(self, name: str, step: int, value: float) -> None:
        line = json.dumps({"name": name, "step": step, "value": value}) + "\n"
        with self._file.open("a", encoding="utf-8") as lines:
            lines.write(line)

    def points(self) -> tuple[CurvePoint, ...]:
        """All whole points so far; a line that is being written is left for the next time."""
        if not self._file.exists():
            return ()
        whole = self._file.read_text(encoding="utf-8").rpartition("\n")[0]
        return tuple(CurvePoint(**json.loads(line)) for line in whole.splitlines())
