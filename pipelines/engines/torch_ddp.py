"""Fits nets by ranks under torch.distributed in a barrier stage of Spark; Gloo averages the gradients, NCCL on GPUs.

Not by pyspark's TorchDistributor: its ranks find one another by a TCP store, which listens at every address of the
machine. Here they do by a file in the workspace, and Gloo listens where it is told.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipelines.contracts.fits import FitPlan, FitResult, Recorder, Workspace
from pipelines.engines.listening import interface
from pipelines.engines.ranks import failure, train_rank
from pipelines.engines.workers import barrier_with_room, records
from pipelines.models.base import NetFamily

if TYPE_CHECKING:
    from pyspark import BarrierTaskContext
    from pyspark.sql import SparkSession
    from torch import nn
    from torch.optim import Optimizer

_CONSEQUENCES = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Socket closed")


def fit(
    family: NetFamily,
    plan: FitPlan,
    workspace: Workspace,
    spark: Callable[[], SparkSession] | None,
    recorder: Recorder,
) -> FitResult:
    """Train with `plan.workers` ranks; recorder goes to each, and must be the workspace's file.

    A rank that fails leaves `rank-<r>.error` in the workspace, and the FitError raised here names it and its own cause.
    """
    from py4j.protocol import Py4JJavaError

    context = barrier_with_room(plan, spark).sparkContext
    work = partial(_rank, plan, workspace, recorder, interface())
    try:
        (model,) = context.parallelize(range(plan.workers), plan.workers).barrier().mapPartitions(work).collect()
    except Py4JJavaError as error:
        raise failure(plan, workspace, error, _CONSEQUENCES) from error
    return replace(model, workers=records(workspace, plan.workers))


def _rank(
    plan: FitPlan, workspace: Workspace, recorder: Recorder, listens_at: str, _: Iterator[int]
) -> Iterator[FitResult]:
    """What each rank does, in a Python worker of Spark; rank 0 gives the model."""
    import torch.distributed
    from pyspark import BarrierTaskContext

    context = BarrierTaskContext.get()
    rank, size = context.partitionId(), plan.workers
    os.environ["GLOO_SOCKET_IFNAME"] = os.environ["NCCL_SOCKET_IFNAME"] = listens_at
    met_at = workspace.path / f"rank-store-{context.allGather(uuid.uuid4().hex)[0]}"  # one of each attempt's own
    store = torch.distributed.FileStore(str(met_at), size)  # type: ignore[attr-defined]
    # a rank without a device has no NCCL to begin with, and tells so when it trains
    by_device = "cpu:gloo,cuda:nccl" if plan.device == "cuda" and torch.cuda.is_available() else "gloo"
    torch.distributed.init_process_group(by_device, store=store, rank=rank, world_size=size)
    try:
        result = train_rank(plan, workspace, recorder, _TorchCrew(plan), _gpu(context))
    finally:
        torch.distributed.destroy_process_group()  # Spark gives this process to later tasks
    if rank == 0:
        yield result


def _gpu(context: BarrierTaskContext) -> int:
    """The number of the CUDA device that Spark has given this rank, else its place among the ranks of its host."""
    given = context.resources().get("gpu")
    if given is not None:
        return int(given.addresses[0])
    hosts = [task.address.rpartition(":")[0] for task in context.getTaskInfos()]
    return hosts[: context.partitionId()].count(hosts[context.partitionId()])


class _TorchCrew:
    """The ranks of one process group, as the training loop sees them."""

    def __init__(self, plan: FitPlan) -> None:
        import torch.distributed

        self.rank, self.size = torch.distributed.get_rank(), torch.distributed.get_world_size()
        self.precision, self._compression = plan.precision, plan.compression

    def joined(self, network: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import fp16_compress_hook
        from torch.nn.parallel import DistributedDataParallel

        called = DistributedDataParallel(network, broadcast_buffers=False)
        if self._compression == "fp16":
            called.register_comm_hook(None, fp16_compress_hook)
        return called, optimizer

    def total(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        import torch

        summed = torch.from_numpy(values.copy())
        torch.distributed.all_reduce(summed)
        return np.asarray(summed.numpy())
