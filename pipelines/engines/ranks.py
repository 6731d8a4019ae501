"""What a rank of a net does, whichever engine started it, and what the end of one tells the driver."""

from __future__ import annotations

import hashlib
import os
import traceback
from pathlib import Path

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder, WorkerLost, WorkerRecord, Workspace
from pipelines.engines.shards import examples_of, shard_hash
from pipelines.engines.workers import leave_record, records
from pipelines.io.parquet_files import UnreadableFiles
from pipelines.models.base import NetFamily, families
from pipelines.models.nets.crew import Crew

RANK_OUTPUTS = "rank-outputs.log"
"""The file of a workspace with what the ranks print."""
_ENDED_BEFORE_IT_BEGAN = "one or more processes exited with non-zero status"
"""What Horovod says when a process has gone; one whose rank had begun left an error, or a pid and no record."""


def train_rank(plan: FitPlan, workspace: Workspace, recorder: Recorder, crew: Crew, gpu: int) -> FitResult:
    """Train in step with the crew on the shard that is this rank's own; an error is left in the workspace, too.

    gpu: the number of the CUDA device that is this rank's, where the plan computes on one. The rank's process id stands
    in `rank-<r>.pid` from the beginning.
    """
    (workspace.path / f"rank-{crew.rank}.pid").write_text(str(os.getpid()), encoding="utf-8")
    try:
        _take_device(plan, gpu)
        family = families()[plan.family]
        assert isinstance(family, NetFamily), "the family lists this engine"
        train = examples_of(plan, plan.train, crew.rank, crew.size, family.origins_every(plan.params))
        validate = examples_of(plan, plan.validate, crew.rank, crew.size)
        result = family.train(train, validate, plan, crew, recorder)
    except Exception as error:
        own = str(error) if isinstance(error, FitError | UnreadableFiles) else f"{type(error).__name__}: {error}"
        told = f"{' '.join(own.split())}\n\n{traceback.format_exc()}"
        _error_file(workspace, crew.rank).write_text(told, encoding="utf-8")
        raise
    weights_hash = hashlib.sha256(result.model).hexdigest()
    key_hash = shard_hash(train, plan.frame.entity)
    leave_record(workspace, WorkerRecord(crew.rank, os.getpid(), len(train), key_hash, weights_hash))
    return result


def failure(plan: FitPlan, workspace: Workspace, error: Exception, consequences: tuple[str, ...]) -> FitError:
    """Which rank failed and why, by the ranks' own error files; WorkerLost where one ended without a word.

    consequences: what stands in the error of a rank when another one has gone: never the cause while there is another.
    """
    begun = f"{plan.family} by {plan.engine}"
    causes = {}
    for rank in range(plan.workers):
        file = _error_file(workspace, rank)
        if file.exists():
            causes[rank] = file.read_text(encoding="utf-8").partition("\n")[0]
    own = {rank: cause for rank, cause in causes.items() if not any(said in cause for said in consequences)}
    if own:
        rank = min(own)
        return FitError(f"{begun}: rank {rank} failed: {own[rank]} (its traceback: {_error_file(workspace, rank)})")
    started = {rank for rank in range(plan.workers) if (workspace.path / f"rank-{rank}.pid").exists()}
    silent = sorted(started - set(causes) - {record.rank for record in records(workspace, plan.workers)})
    if silent:
        return WorkerLost(f"{begun}: rank {silent[0]} ended without a word, as when it is killed")
    told = " ".join(str(error).split())
    if _ENDED_BEFORE_IT_BEGAN in told:
        return WorkerLost(
            f"{begun}: a worker ended without a word before its rank began, as when it is killed (what it printed: "
            f"{workspace.path / RANK_OUTPUTS})"
        )
    return FitError(f"{begun}: {told}")


def _take_device(plan: FitPlan, gpu: int) -> None:
    """FitError where the plan computes on CUDA and that device is not visible here."""
    if plan.device != "cuda":
        return
    import torch

    from pipelines.models.nets.devices import device_of

    device_of(plan)
    visible = torch.cuda.device_count()
    if gpu >= visible:
        raise FitError(
            f"this rank's CUDA device is number {gpu} of its host, and {visible} are visible; "
            "lower training.workers to the number of GPUs, or let Spark give each task one"
        )
    torch.cuda.set_device(gpu)


def _error_file(workspace: Workspace, rank: int) -> Path:
    return workspace.path / f"rank-{rank}.error"
