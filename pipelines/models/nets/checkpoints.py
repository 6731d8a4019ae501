"""What training a net has come to, as bytes: safetensors with a header of JSON, never a pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from pipelines.contracts.fits import FitError
from pipelines.models.nets.crew import Crew

_METADATA = "headrace"


@dataclass
class Progress:
    """epochs: how many are done. The best so far on the validate span: best_loss, best_epoch (from 0), best_state."""

    epochs: int
    best_loss: float
    best_epoch: int
    best_state: Mapping[str, Tensor]


def packed(progress: Progress, network: nn.Module, mean: nn.Module, optimizer: Optimizer) -> bytes:
    """All that the next epoch depends on: the weights, their running mean, the optimizer's moments, the best so far.

    No random state: an epoch draws by seeds that its number and its rank decide. No learning rate: the epoch sets it.
    """
    states = {
        "network": network.state_dict(),
        "mean": mean.state_dict(),
        "best": progress.best_state,
        **{f"optimizer/{place}": moments for place, moments in optimizer.state_dict()["state"].items()},
    }
    tensors = {
        f"{of}/{name}": tensor.clone(memory_format=torch.contiguous_format)
        for of, state in states.items()
        for name, tensor in state.items()
    }
    told = {"epochs": progress.epochs, "best_loss": progress.best_loss, "best_epoch": progress.best_epoch}
    return safetensors.torch.save(tensors, metadata={_METADATA: json.dumps(told)})


def unpacked(content: bytes, network: nn.Module, mean: nn.Module, optimizer: Optimizer) -> Progress:
    """Bring all three to where `packed` found them."""
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    told = json.loads(header["__metadata__"][_METADATA])
    states: dict[str, dict[str, Tensor]] = {}
    for path, tensor in safetensors.torch.load(content).items():
        of, _, name = path.rpartition("/")
        states.setdefault(of, {})[name] = tensor
    network.load_state_dict(states["network"])
    mean.load_state_dict(states["mean"])
    moments = {int(of.removeprefix("optimizer/")): state for of, state in states.items() if of.startswith("optimizer/")}
    optimizer.load_state_dict({**optimizer.state_dict(), "state": moments})
    return Progress(best_state=states["best"], **told)


def crew_is_at_one(epochs: int, crew: Crew) -> None:
    """FitError if the ranks would not go on from the same epoch."""
    seen = np.zeros(crew.size)
    seen[crew.rank] = epochs
    seen = crew.total(seen)
    if (seen != seen[0]).any():
        told = ", ".join(f"rank {rank} after epoch {int(done)}" for rank, done in enumerate(seen))
        raise FitError(f"the ranks see different checkpoints ({told}); the workspace must lie on shared storage")
