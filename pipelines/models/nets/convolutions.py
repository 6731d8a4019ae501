"""Nets that slide over the window: plain convolutions that halve it, and dilated ones that never look ahead."""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from pipelines.models.nets.known_ahead import Outlook


class ConvNet(nn.Module):
    """Convolutions, each of which halves the window, then one layer that reads what is left as a whole: so the net
    knows when something happened, which a pooled one would not."""

    def __init__(
        self,
        time: int,
        channels: int,
        features: int,
        steps: int,
        quantiles: int,
        lags: Sequence[int],
        hidden: int,
        layers: int,
        kernel: int,
        dropout: float,
    ) -> None:
        super().__init__()
        stages: list[nn.Module] = []
        for layer in range(layers):
            into = channels if layer == 0 else hidden
            stages += [nn.Conv1d(into, hidden, kernel, stride=2, padding=kernel // 2), nn.GELU(), nn.Dropout(dropout)]
            time = (time + 2 * (kernel // 2) - kernel) // 2 + 1
        self.body = nn.Sequential(*stages, nn.Flatten(), nn.Linear(hidden * time, hidden), nn.GELU())
        self.outlook = Outlook(hidden, features, steps, quantiles, lags)

    def forward(self, past: Tensor, steps: Tensor) -> Tensor:
        """past: (examples, time, channels); steps: (examples, steps, features). Gives (examples, steps, quantiles)."""
        return self.outlook(self.body(past.transpose(1, 2)), steps)


class CausalConvNet(nn.Module):
    """Residual blocks of causal convolutions whose reach doubles from block to block, as many as it takes to see the
    whole window from its last step (Bai, Kolter and Koltun 2018)."""

    def __init__(
        self,
        time: int,
        channels: int,
        features: int,
        steps: int,
        quantiles: int,
        lags: Sequence[int],
        hidden: int,
        kernel: int,
        dropout: float,
    ) -> None:
        super().__init__()
        blocks = max(1, math.ceil(math.log2((time - 1) / (2 * (kernel - 1)) + 1)))
        self.blocks = nn.Sequential(
            *[_Causal(channels if n == 0 else hidden, hidden, kernel, 2**n, dropout) for n in range(blocks)]
        )
        self.outlook = Outlook(hidden, features, steps, quantiles, lags)

    def forward(self, past: Tensor, steps: Tensor) -> Tensor:
        """past: (examples, time, channels); steps: (examples, steps, features). Gives (examples, steps, quantiles)."""
        return self.outlook(self.blocks(past.transpose(1, 2))[:, :, -1], steps)


class _Causal(nn.Module):
    def __init__(self, into: int, hidden: int, kernel: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.before = (kernel - 1) * dilation
        self.first = weight_norm(nn.Conv1d(into, hidden, kernel, dilation=dilation))
        self.second = weight_norm(nn.Conv1d(hidden, hidden, kernel, dilation=dilation))
        self.drop = nn.Dropout(dropout)
        self.around = nn.Identity() if into == hidden else nn.Conv1d(into, hidden, 1)

    def forward(self, past: Tensor) -> Tensor:
        """(examples, channels, time) to (examples, hidden, time); each time sees itself and earlier ones."""
        seen = past
        for convolution in (self.first, self.second):
            seen = self.drop(nn.functional.relu(convolution(nn.functional.pad(seen, (self.before, 0)))))
        return nn.functional.relu(seen + self.around(past))
