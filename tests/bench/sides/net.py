"""A net by one engine of ours: two ranks by Horovod or torch, or one process with one thread or two."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import safetensors.torch
import torch

from pipelines.contracts.fits import FitPlan, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import CURVES, FileRecorder
from tests.bench.sides.boosting_ours import plan_of
from tests.bench.sides.spark import started

HIDDEN, EPOCHS, BATCH = 1024, 6, 4096
MODEL = "model.safetensors"
WAYS = {"horovod": ("horovod", 2), "torch": ("torch_ddp", 2), "one": ("single", 1), "two": ("single", 1)}
"""By name, the engine and its ranks; "two" is the process with two threads."""


def plan(way: str, data: Path) -> FitPlan:
    """The same net and global batch, whoever trains it."""
    engine, ranks = WAYS[way]
    params = {"hidden": HIDDEN, "epochs": EPOCHS, "patience": EPOCHS, "batch": BATCH // ranks, "dropout": 0.0}
    return replace(plan_of(data), family="mlp", engine=engine, params=params, workers=ranks)


def main(way: str, conf: str, data: str, made: str) -> None:
    """Only what comes after the first epoch counts as work: starting the ranks, reading and what is loaded once does
    not."""
    if way == "two":
        torch.set_num_threads(2)
        torch.set_num_threads = lambda _: None  # the families hold their nets to one
    spark = started(conf) if WAYS[way][1] > 1 else None
    workspace = Workspace(Path(made))
    workspace.path.mkdir(parents=True)
    seen: list[float] = []
    done = threading.Event()
    watcher = threading.Thread(target=_epochs, args=(workspace.path / CURVES, seen, done), daemon=True)
    watcher.start()
    result = fit(plan(way, Path(data)), workspace, lambda: spark, FileRecorder(workspace))
    done.set()
    watcher.join()
    print(f"work {seen[-1] - seen[0]:.3f} s")
    losses = [point.value for point in result.curves if point.name == "validate/logloss"]
    (workspace.path / MODEL).write_bytes(result.model)
    weights = sum(tensor.numel() for tensor in safetensors.torch.load(result.model).values())
    print(f"loss {losses[-1]:.6f} after {len(losses)} epochs, {weights:,} weights")


def _epochs(curves: Path, seen: list[float], done: threading.Event) -> None:
    """Note when each epoch's line is there."""
    is_over = False
    while not is_over:
        is_over = done.wait(0.005)
        told = curves.read_text().count("validate/logloss") if curves.exists() else 0
        seen += [time.perf_counter()] * (told - len(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
