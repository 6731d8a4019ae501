"""LSTMs that read the past and the steps to come, and attention to the same time on earlier days."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MATCH = 16


class Seq2Seq(nn.Module):
    """The past is read in patches, so that a week of half-hours stays short; the decoder goes both ways over the steps,
    whose features are all known at the cut-off (Sutskever et al. 2014; Wen et al. 2017).

    Analogues are the window's values a whole number of periods before each step. The answer starts from a mean of the
    label's, weighted by how well all channels there match the step (attention: Bahdanau et al. 2015), each moved by
    what the difference suggests: so a Tuesday after a holiday Monday may look past that Monday. Without analogues the
    answer starts from the mean of the features in `lags`, the label's own past. In training some features are hidden
    for whole examples, so that none is leant on alone.

    label: the label's place among the channels; analogues: how many, `period` steps apart.
    """

    def __init__(
        self,
        channels: int,
        features: int,
        quantiles: int,
        lags: list[int],
        label: int,
        analogues: int,
        period: int,
        hidden: int,
        patch: int,
        dropout: float,
        feature_dropout: float,
    ) -> None:
        super().__init__()
        self.label, self.analogues, self.period, self.patch = label, analogues, period, patch
        self.feature_dropout = feature_dropout
        self.encoder = nn.LSTM(channels * patch, hidden, batch_first=True)
        self.bridge = nn.Linear(hidden, 2 * hidden)
        self.decoder = nn.LSTM(features, hidden, batch_first=True, bidirectional=True)
        self.drop = nn.Dropout(dropout)
        self.inner = nn.Sequential(nn.Linear(2 * hidden + features, hidden), nn.GELU())
        self.head = nn.Linear(hidden, quantiles)
        self.skip = nn.Linear(features, quantiles)
        self.wanted = nn.Linear(2 * hidden + features, _MATCH)
        self.found = nn.Linear(channels, _MATCH, bias=False)
        self.age = nn.Parameter(torch.zeros(analogues, 1, _MATCH))
        self.match = nn.Linear(_MATCH, 1 + quantiles)
        for layer in (self.head, self.skip, self.match):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        if not analogues:
            with torch.no_grad():
                self.skip.weight[:, lags] = 1.0 / max(len(lags), 1)

    def forward(self, past: Tensor, steps: Tensor) -> Tensor:
        """past: (examples, time, channels), time a multiple of `patch`; steps: (examples, steps, features).

        Returns (examples, steps, quantiles).
        """
        examples, time, channels = past.shape
        if self.training:
            seen = steps * (torch.rand(examples, 1, steps.shape[2], device=steps.device) >= self.feature_dropout)
        else:
            seen = steps
        _, (state, _) = self.encoder(past.reshape(examples, time // self.patch, self.patch * channels))
        start = self.bridge(self.drop(state[0])).reshape(examples, 2, -1).transpose(0, 1).contiguous()
        decoded, _ = self.decoder(seen, (start, torch.zeros_like(start)))
        known = torch.cat([self.drop(decoded), seen], dim=-1)
        return self.skip(steps) + self.head(self.inner(known)) + self._recalled(past, known)

    def _recalled(self, past: Tensor, known: Tensor) -> Tensor:
        """(examples, steps, quantiles): the matching analogues, moved; 0 where the window holds none."""
        examples, time, channels = past.shape
        earlier = past[:, time - self.analogues * self.period :].reshape(
            examples, self.analogues, self.period, channels
        )
        earlier = earlier[:, :, : known.shape[1]]
        matches = self.wanted(known).unsqueeze(1) + self.found(earlier) + self.age
        score, moves = self.match(nn.functional.gelu(matches)).tensor_split([1], dim=-1)
        labels = earlier[..., self.label : self.label + 1]
        return (torch.softmax(score, dim=1) * (labels + moves)).sum(dim=1)
