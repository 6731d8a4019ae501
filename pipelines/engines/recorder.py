"""Learning curves as they grow, and what a killed fit goes on from: files that anyone may read meanwhile."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Mapping

from pipelines.contracts.fits import CurvePoint, Workspace

CURVES = "curves.jsonl"
CHECKPOINT = "checkpoint"
PARTS = "parts"
"""The folder of the fits that a fit of many models is made of: what is done of it."""
_KEY = "plan.key"
_PART_OF_THE_TIME = 0.05
"""How much of a fit's time checkpoints may take."""


class FileRecorder:
    """Appends each point as one JSON line to `curves.jsonl` in the workspace; whole lines only, so reading is safe.

    Its checkpoint is one file, replaced at once: a line of JSON (how long the curves were, the hash of the state), and
    the state. limits: by step the loss above which the fit is behind; they go with the recorder to every rank.
    """

    def __init__(self, workspace: Workspace, limits: Mapping[int, float] | None = None) -> None:
        self._limits = dict(limits or {})
        workspace.path.mkdir(parents=True, exist_ok=True)
        self._curves = workspace.path / CURVES
        self._checkpoint = workspace.path / CHECKPOINT
        self._due_at_s = 0.0

    def record(self, name: str, step: int, value: float) -> None:
        line = json.dumps({"name": name, "step": step, "value": value}) + "\n"
        with self._curves.open("a", encoding="utf-8") as lines:
            lines.write(line)

    def points(self) -> tuple[CurvePoint, ...]:
        """All whole points so far; a line that is being written is left for the next time."""
        if not self._curves.exists():
            return ()
        whole = self._curves.read_text(encoding="utf-8").rpartition("\n")[0]
        return tuple(CurvePoint(**json.loads(line)) for line in whole.splitlines())

    def checkpoint(self, state: Callable[[], bytes]) -> None:
        began_s = time.monotonic()
        if began_s < self._due_at_s:
            return
        content = state()
        curves_bytes = self._curves.stat().st_size if self._curves.exists() else 0
        header = {"curves_bytes": curves_bytes, "sha256": hashlib.sha256(content).hexdigest()}
        partial = self._checkpoint.with_name(f".{CHECKPOINT}")
        with partial.open("wb") as file:
            file.write(json.dumps(header).encode() + b"\n" + content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._checkpoint)
        ended_s = time.monotonic()
        self._due_at_s = ended_s + (ended_s - began_s) / _PART_OF_THE_TIME

    def checkpointed(self) -> bytes | None:
        found = _read(self._checkpoint.read_bytes()) if self._checkpoint.exists() else None
        return found[1] if found else None

    def is_behind(self, step: int, loss: float) -> bool:
        return loss > self._limits.get(step, math.inf)


def begin(workspace: Workspace, key: str) -> None:
    """Make the workspace ready for an attempt at the fit of this plan's key.

    What an earlier attempt at it left behind goes, but for its checkpoint, the curves as they were then, and its parts.
    A damaged checkpoint goes too: the fit begins anew.
    """
    workspace.path.mkdir(parents=True, exist_ok=True)
    for left in workspace.path.glob("rank-*"):
        left.unlink(missing_ok=True)  # an earlier attempt's traces would be taken for this one's
    key_file, curves, checkpoint = (workspace.path / name for name in (_KEY, CURVES, CHECKPOINT))
    is_same = key_file.exists() and key_file.read_text(encoding="utf-8") == key
    found = _read(checkpoint.read_bytes()) if is_same and checkpoint.exists() else None
    if not is_same:
        shutil.rmtree(workspace.path / PARTS, ignore_errors=True)
    if found is None:
        curves.unlink(missing_ok=True)
        checkpoint.unlink(missing_ok=True)
        key_file.write_text(key, encoding="utf-8")
    elif curves.exists():
        os.truncate(curves, found[0])


def end(workspace: Workspace) -> None:
    """The fit is kept: nothing will go on from its parts or its checkpoint, which is far larger than a model."""
    (workspace.path / CHECKPOINT).unlink(missing_ok=True)
    shutil.rmtree(workspace.path / PARTS, ignore_errors=True)


def _read(content: bytes) -> tuple[int, bytes] | None:
    """How long the curves were and the state; None where the content is not what was written."""
    header, _, state = content.partition(b"\n")
    try:
        told = json.loads(header)
    except ValueError:
        return None
    if hashlib.sha256(state).hexdigest() != told["sha256"]:
        return None
    return told["curves_bytes"], state
