"""What is known at the cut-off about each step ahead, and how a net's answer follows from it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_WIDTH = 16


class KnownAhead(nn.Module):
    """What the features of a step add to its answer, linearly; at first the mean of those in `lags`, the label's own
    past at fixed distances. Nothing where there are no features."""

    def __init__(self, features: int, quantiles: int, lags: Sequence[int]) -> None:
        super().__init__()
        self.linear = silent(nn.Linear(features, quantiles)) if features else None
        if self.linear and lags:
            with torch.no_grad():
                self.linear.weight[:, list(lags)] = 1.0 / len(lags)

    def forward(self, steps: Tensor) -> Tensor:
        """steps: (examples, steps, features). Returns (examples, steps, quantiles), or 1 in place of the quantiles."""
        return self.linear(steps) if self.linear else steps.new_zeros(*steps.shape[:2], 1)


class Outlook(nn.Module):
    """Quantiles of every step from what a net made of the past and the features of the step, which may matter more or
    less as the past was; at first those of `KnownAhead`."""

    def __init__(self, hidden: int, features: int, steps: int, quantiles: int, lags: Sequence[int]) -> None:
        super().__init__()
        self.unfolded = nn.Linear(hidden, steps * _WIDTH)
        self.mixed = nn.Sequential(nn.Linear(_WIDTH + features, hidden), nn.GELU())
        self.head = silent(nn.Linear(hidden, quantiles))
        self.ahead = KnownAhead(features, quantiles, lags)

    def forward(self, state: Tensor, steps: Tensor) -> Tensor:
        """state: (examples, hidden); steps: (examples, steps, features). Returns (examples, steps, quantiles)."""
        of_step = self.unfolded(state).reshape(*steps.shape[:2], _WIDTH)
        return self.head(self.mixed(torch.cat([of_step, steps], dim=-1))) + self.ahead(steps)


def silent(layer: nn.Linear) -> nn.Linear:
    """The layer, at first answering 0 to everything."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer
