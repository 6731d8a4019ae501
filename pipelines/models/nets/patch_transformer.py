"""A Transformer over patches of the window."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pipelines.models.nets.known_ahead import KnownAhead, silent

_LEAST = 1e-5


class PatchTransformer(nn.Module):
    """Every channel is cut into overlapping patches, which attend to each other within their channel only and by the
    same weights for all channels; a linear head reads all of them (Nie et al. 2023).

    A channel is brought to its own mean and deviation in the window, and the answer back to those of the label's
    (Kim et al. 2022). The last value is repeated for one more patch. Layer norms stand where the paper has batch norms,
    whose running means would differ between the ranks of a crew.

    label: the label's place among the channels, None where no channel is the label's.
    """

    def __init__(
        self,
        time: int,
        channels: int,
        features: int,
        steps: int,
        quantiles: int,
        lags: Sequence[int],
        label: int | None,
        width: int,
        heads: int,
        layers: int,
        inner: int,
        patch: int,
        stride: int,
        dropout: float,
    ) -> None:
        super().__init__()
        self.label, self.patch, self.stride = label, patch, stride
        patches = (time - patch) // stride + 2
        self.embedded = nn.Linear(patch, width)
        self.place = nn.Parameter(torch.empty(patches, width).uniform_(-0.02, 0.02))
        self.drop = nn.Dropout(dropout)
        layer = nn.TransformerEncoderLayer(
            width, heads, inner, dropout, activation="gelu", batch_first=True, norm_first=True
        )
        layer.self_attn.dropout = 0.0  # as published; and its fused kernel knows none: 0.9 ms an example, not 1.6
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = silent(nn.Linear(channels * patches * width, steps * quantiles))
        self.ahead = KnownAhead(features, quantiles, lags)

    def forward(self, past: Tensor, steps: Tensor) -> Tensor:
        """past: (examples, time, channels), time no less than `patch`; steps: (examples, steps, features).

        Returns (examples, steps, quantiles).
        """
        mean = past.mean(dim=1, keepdim=True)
        deviation = (past.var(dim=1, keepdim=True, unbiased=False) + _LEAST).sqrt()
        each = ((past - mean) / deviation).transpose(1, 2)
        each = torch.cat([each, each[:, :, -1:].expand(-1, -1, self.stride)], dim=2)
        patches = each.unfold(2, self.patch, self.stride).flatten(0, 1)
        read = self.encoder(self.drop(self.embedded(patches) + self.place))
        answer = self.head(read.reshape(past.shape[0], -1)).reshape(*steps.shape[:2], -1)
        if self.label is not None:
            here = slice(self.label, self.label + 1)
            answer = answer * deviation[:, :, here] + mean[:, :, here]
        return answer + self.ahead(steps)
