"""An encoder of the past and a decoder of the steps to come, both LSTMs."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Seq2Seq(nn.Module):
    """The past is read in patches, so that a week of half-hours stays short; the decoder goes both ways over the steps,
    whose features are all known at the cut-off (Sutskever et al. 2014; Wen et al. 2017). The steps' features also go
    straight to the output: at first the net answers with the mean of the features in `lags`, the label's own past, and
    only has to learn what that misses.
    """

    def __init__(
        self, channels: int, features: int, quantiles: int, lags: list[int], hidden: int, patch: int, dropout: float
    ) -> None:
        super().__init__()
        self.patch = patch
        self.encoder = nn.LSTM(channels * patch, hidden, batch_first=True)
        self.bridge = nn.Linear(hidden, 2 * hidden)
        self.decoder = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(dropout)
        self.inner = nn.Sequential(nn.Linear(2 * hidden + features, hidden), nn.GELU())
        self.head = nn.Linear(hidden, quantiles)
        self.skip = nn.Linear(features, quantiles)
        for parameter in (*self.head.parameters(), *self.skip.parameters()):
            nn.init.zeros_(parameter)
        with torch.no_grad():
            self.skip.weight[:, lags] = 1.0 / max(len(lags), 1)

    def forward(self, past: Tensor, steps: Tensor) -> Tensor:
        """past: (examples, time, channels), time a multiple of `patch`; steps: (examples, steps, features).

        Returns (examples, steps, quantiles).
        """
        examples, time, channels = past.shape
        patches = past.reshape(examples, time // self.patch, self.patch * channels)
        _, (state, _) = self.encoder(patches)
        start = self.bridge(self.drop(state[0])).reshape(examples, 2, -1).transpose(0, 1).contiguous()
        decoded, _ = self.decoder(steps, (start, torch.zeros_like(start)))
        return self.skip(steps) + self.head(self.inner(torch.cat([self.drop(decoded), steps], dim=-1)))
