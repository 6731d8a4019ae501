"""Nets with the least of their weights left out."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def prune(network: nn.Module, part: float) -> None:
    """Make this part of all weights 0, in place: those of the least magnitude, whichever layer they are in (Han et al.
    2015, without training anew). Biases, norms and places stay."""
    found = weights(network)
    sizes = torch.cat([of.detach().abs().flatten() for of in found])
    gone = torch.zeros(len(sizes), dtype=torch.bool)
    gone[sizes.argsort(stable=True)[: round(part * len(sizes))]] = True
    with torch.no_grad():
        for of, where in zip(found, gone.split([of.numel() for of in found]), strict=True):
            of[where.reshape(of.shape)] = 0.0


def weights(network: nn.Module) -> list[Tensor]:
    """The parameters by which a network multiplies or that it looks up."""
    return [of for name, of in network.named_parameters() if "weight" in name.rpartition(".")[2] and of.dim() > 1]
