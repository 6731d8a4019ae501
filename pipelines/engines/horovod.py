"""Fits nets by ranks under Horovod on Spark: each reads its own shard of gold; Gloo averages the gradients."""

from __future__ import annotations

import hashlib
import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder, WorkerRecord, Workspace
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of, shard_hash
from pipelines.engines.workers import leave_record, records, session_with_room
from pipelines.io.parquet_files import UnreadableFiles
from pipelines.models.base import NetFamily, families

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from torch import nn
    from torch.optim import Optimizer

_LOOPBACK = "127.0.0.1"
_BIND_ADDRESS = "HEADRACE_BIND_ADDRESS"
"""Where Horovod's services listen; read by the patched wheel (as released, Horovod binds 0.0.0.0)."""
_CONSEQUENCE = "HorovodInternalError"
"""What a rank raises when another one has gone: never the cause while there is another error."""


def fit(
    family: NetFamily,
    plan: FitPlan,
    workspace: Workspace,
    spark: Callable[[], SparkSession] | None,
    recorder: Recorder,
) -> FitResult:
    """Train with `plan.workers` ranks; recorder must be the workspace's file, since rank 0 writes it elsewhere.

    One call a fit: starting the ranks costs about 20 s. A rank that fails leaves `rank-<r>.error` in the workspace, and
    the FitError raised here names it and its own cause.
    """
    if plan.device != "cpu":
        raise FitError(
            f"{plan.family} by horovod: conf says training.device: {plan.device}, but Horovod is built for the CPU; "
            f"say device: cpu, or training.engines: {{{plan.family}: single}}"
        )
    session_with_room(plan, spark)
    import horovod.spark

    address = os.environ.get(_BIND_ADDRESS, _LOOPBACK)
    log = workspace.path / "rank-outputs.log"
    try:
        with log.open("w", encoding="utf-8") as outputs:
            results = horovod.spark.run(
                _rank,
                args=(plan, workspace),
                num_proc=plan.workers,
                use_gloo=True,
                nics={"lo"} if address == _LOOPBACK else None,
                start_timeout=60,
                env={**os.environ, _BIND_ADDRESS: address, "OMP_NUM_THREADS": "1"},
                stdout=outputs,
                stderr=outputs,
                verbose=0,
            )
    except Exception as error:
        raise FitError(f"{plan.family} by horovod: {_blame(workspace, plan.workers, error)}") from error
    model: FitResult = results[0]
    return replace(model, workers=records(workspace, plan.workers))


def _rank(plan: FitPlan, workspace: Workspace) -> FitResult | None:
    """What each rank does, in a process of its own; rank 0 returns the model."""
    import horovod.torch as hvd

    hvd.init()
    rank, size = hvd.rank(), hvd.size()
    try:
        family = families()[plan.family]
        assert isinstance(family, NetFamily), "the family lists this engine"
        train = examples_of(plan, plan.train, rank, size, family.origins_every(plan.params))
        validate = examples_of(plan, plan.validate, rank, size)
        result = family.train(train, validate, plan, _HorovodCrew(rank, size), FileRecorder(workspace))
        weights_hash = hashlib.sha256(result.model).hexdigest()
        key_hash = shard_hash(train, plan.frame.entity)
        leave_record(workspace, WorkerRecord(rank, os.getpid(), len(train), key_hash, weights_hash))
    except Exception as error:
        own = str(error) if isinstance(error, FitError | UnreadableFiles) else f"{type(error).__name__}: {error}"
        told = f"{' '.join(own.split())}\n\n{traceback.format_exc()}"
        _error_file(workspace, rank).write_text(told, encoding="utf-8")
        raise
    hvd.shutdown()
    return result if rank == 0 else None


class _HorovodCrew:
    """The ranks of one `horovod.spark.run`, as the training loop sees them."""

    def __init__(self, rank: int, size: int) -> None:
        self.rank, self.size = rank, size

    def joined(self, network: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """The optimizer's state is not sent round: a new one has none, and Horovod would step once to make it."""
        import horovod.torch as hvd

        hvd.broadcast_parameters(network.state_dict(), root_rank=0)
        return network, hvd.DistributedOptimizer(optimizer, named_parameters=network.named_parameters())

    def total(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        import horovod.torch as hvd
        import torch

        return np.asarray(hvd.allreduce(torch.from_numpy(values), op=hvd.Sum).numpy())


def _blame(workspace: Workspace, workers: int, error: Exception) -> str:
    """Which rank failed and why, by the ranks' own error files."""
    causes = {}
    for rank in range(workers):
        file = _error_file(workspace, rank)
        if file.exists():
            causes[rank] = file.read_text(encoding="utf-8").partition("\n")[0]
    own = {rank: cause for rank, cause in causes.items() if _CONSEQUENCE not in cause}
    if own:
        rank = min(own)
        return f"rank {rank} failed: {own[rank]} (its traceback: {_error_file(workspace, rank)})"
    silent = sorted(set(range(workers)) - set(causes) - {record.rank for record in records(workspace, workers)})
    if silent and causes:
        return f"rank {silent[0]} ended without a word, as when it is killed: {error}"
    return str(error)


def _error_file(workspace: Workspace, rank: int) -> Path:
    return workspace.path / f"rank-{rank}.error"
