"""Fits nets by ranks under Horovod on Spark: each reads its own shard of gold; gradients are averaged by Gloo,
on GPUs by NCCL, which is in the wheel where it could be compiled: CPU tensors go by Gloo in the same wheel.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Recorder, Workspace
from pipelines.engines.listening import BIND_ADDRESS, interface, told_to_tasks
from pipelines.engines.ranks import RANK_OUTPUTS, failure, train_rank
from pipelines.engines.workers import records, session_with_room
from pipelines.models.base import NetFamily

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from torch import nn
    from torch.optim import Optimizer


def fit(
    family: NetFamily,
    plan: FitPlan,
    workspace: Workspace,
    spark: Callable[[], SparkSession] | None,
    recorder: Recorder,
) -> FitResult:
    """Train with `plan.workers` ranks; recorder goes to each, and must be the workspace's file.

    One call a fit: starting the ranks costs about 20 s. A rank that fails leaves `rank-<r>.error` in the workspace, and
    the FitError raised here names it and its own cause. The patched wheel listens at the interface that BIND_ADDRESS
    names (as released, Horovod binds 0.0.0.0).
    """
    if plan.device == "cuda" and not _has_nccl():
        raise FitError(
            f"{plan.family} by horovod: conf says training.device: cuda, but Horovod was built here without NCCL; "
            f"say device: cpu, or training.engines: {{{plan.family}: single}}"
        )
    context = session_with_room(plan, spark).sparkContext
    import horovod.spark

    listens_at = interface()
    log = workspace.path / RANK_OUTPUTS
    try:
        with told_to_tasks(context, listens_at), log.open("w", encoding="utf-8") as outputs:
            results = horovod.spark.run(
                _rank,
                args=(plan, workspace, recorder),
                num_proc=plan.workers,
                use_gloo=True,
                nics={listens_at},
                start_timeout=60,
                env={**os.environ, BIND_ADDRESS: listens_at, "OMP_NUM_THREADS": "1"},
                stdout=outputs,
                stderr=outputs,
                verbose=0,
            )
    except Exception as error:
        raise failure(plan, workspace, error, ("HorovodInternalError",)) from error
    model: FitResult = results[0]
    return replace(model, workers=records(workspace, plan.workers))


def _rank(plan: FitPlan, workspace: Workspace, recorder: Recorder) -> FitResult | None:
    """What each rank does, in a process of its own; rank 0 returns the model."""
    import horovod.spark.task
    import horovod.torch as hvd

    hvd.init()
    crew = _HorovodCrew(plan)
    given = horovod.spark.task.get_available_devices()
    result = train_rank(plan, workspace, recorder, crew, int(given[0]) if given else hvd.local_rank())
    hvd.shutdown()
    return result if crew.rank == 0 else None


def _has_nccl() -> bool:
    import horovod.torch as hvd

    return bool(hvd.nccl_built())


class _HorovodCrew:
    """The ranks of one `horovod.spark.run`, as the training loop sees them."""

    def __init__(self, plan: FitPlan) -> None:
        import horovod.torch as hvd

        self.rank, self.size, self.precision = hvd.rank(), hvd.size(), plan.precision
        self._compression = hvd.Compression.fp16 if plan.compression == "fp16" else hvd.Compression.none

    def joined(self, network: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """The optimizer's state is not sent round: a new one has none, and Horovod would step once to make it."""
        import horovod.torch as hvd

        hvd.broadcast_parameters(network.state_dict(), root_rank=0)
        named = network.named_parameters()
        return network, hvd.DistributedOptimizer(optimizer, named_parameters=named, compression=self._compression)

    def total(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        import horovod.torch as hvd
        import torch

        return np.asarray(hvd.allreduce(torch.from_numpy(values), op=hvd.Sum).numpy())
