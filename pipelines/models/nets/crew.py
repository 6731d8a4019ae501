"""The ranks that train one net together, as the training loop sees them; engines bring their own kind."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
from torch import nn
from torch.optim import Optimizer


class Crew(Protocol):
    """Ranks 0 … size − 1, each with rows of its own; every rank makes the same calls in the same order."""

    @property
    def rank(self) -> int: ...

    @property
    def size(self) -> int: ...

    @property
    def precision(self) -> str:
        """In which the forward pass computes what bears it: as in a FitPlan."""

    def joined(self, network: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        """What to call for the network and to step by, so that all ranks step by the mean of their gradients; the
        network starts as rank 0's on all of them."""

    def total(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The sum over all ranks, the same to the last bit on each."""


class Solo:
    """A crew of one: this process."""

    rank = 0
    size = 1

    def __init__(self, precision: str = "float32") -> None:
        self.precision = precision

    def joined(self, network: nn.Module, optimizer: Optimizer) -> tuple[nn.Module, Optimizer]:
        return network, optimizer

    def total(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return values
