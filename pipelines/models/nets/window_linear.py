"""One linear map from a window to all steps, after a simple look at its level."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from pipelines.models.nets.known_ahead import KnownAhead, silent


class DLinearNet(nn.Module):
    """The window's running mean and what is left of it are read by a linear map each (Zeng et al. 2023).

    kernel: steps of the running mean; the window's ends are repeated where it reaches beyond them.
    """

    def __init__(
        self, time: int, channels: int, features: int, steps: int, quantiles: int, lags: Sequence[int], kernel: int
    ) -> None:
        super().__init__()
        self.kernel = kernel
        self.trend = silent(nn.Linear(time * channels, steps * quantiles))
        self.rest = silent(nn.Linear(time * channels, steps * quantiles))
        self.ahead = KnownAhead(features, quantiles, lags)

    def forward(self, past: Tensor, steps: Tensor) -> Tensor:
        """past: (examples, time, channels); steps: (examples, steps, features). Gives (examples, steps, quantiles)."""
        ends = ((self.kernel - 1) // 2, self.kernel // 2)
        padded = nn.functional.pad(past.transpose(1, 2), ends, mode="replicate")
        trend = nn.functional.avg_pool1d(padded, self.kernel, stride=1).transpose(1, 2)
        answer = self.trend(trend.flatten(1)) + self.rest((past - trend).flatten(1))
        return answer.reshape(*steps.shape[:2], -1) + self.ahead(steps)


class NLinearNet(nn.Module):
    """The window is read as differences from its last value, which the untrained net repeats (Zeng et al. 2023).

    label: the label's place among the channels, None where no channel is the label's.
    """

    def __init__(self, time: int, channels: int, features: int, steps: int, quantiles: int, label: int | None) -> None:
        super().__init__()
        self.label = label
        self.moves = silent(nn.Linear(time * channels, steps * quantiles))
        self.ahead = KnownAhead(features, quantiles, ())

    def forward(self, past: Tensor, steps: Tensor) -> Tensor:
        """past: (examples, time, channels); steps: (examples, steps, features). Gives (examples, steps, quantiles)."""
        last = past[:, -1:]
        answer = self.moves((past - last).flatten(1)).reshape(*steps.shape[:2], -1) + self.ahead(steps)
        return answer if self.label is None else answer + last[:, :, self.label : self.label + 1]
