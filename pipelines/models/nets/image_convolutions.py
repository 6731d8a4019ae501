"""A convolutional net over small pictures."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class ImageConvNet(nn.Module):
    """Blocks of two convolutions, each block at half the size and twice the width of the one before (Simonyan and
    Zisserman 2015), normed by groups (Wu and He 2018): unlike a norm by batch it is the same for a row alone, and on
    every rank. In training each picture is moved, turned and scaled a little, so that none is seen twice alike.

    height, width: in pixels. moves: by what part of the picture at most, turns: by how many degrees at most, scales: by
    what part at most. outputs: the logits of an answer; start: what they are before anything is learnt.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        hidden: int,
        blocks: int,
        dropout: float,
        moves: float,
        turns: float,
        scales: float,
        start: list[float],
    ) -> None:
        super().__init__()
        self.moves, self.turns, self.scales = moves, turns, scales
        layers: list[nn.Module] = []
        wide = channels
        for block in range(blocks):
            layers += [*_convolution(wide, hidden << block), *_convolution(hidden << block, hidden << block)]
            layers += [nn.MaxPool2d(2)] if block < blocks - 1 else []
            wide = hidden << block
        self.body = nn.Sequential(*layers)
        self.drop = nn.Dropout(dropout)
        size = wide * (height >> (blocks - 1)) * (width >> (blocks - 1))
        self.told = nn.Sequential(nn.Linear(size, 128), nn.GELU(), nn.Dropout(dropout))
        self.head = nn.Linear(128, len(start))
        nn.init.zeros_(self.head.weight)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor(start))

    def forward(self, pictures: Tensor) -> Tensor:
        """pictures: (rows, channels, height, width), 0 to 255. Returns (rows, 1, outputs)."""
        seen = pictures.float() / 255.0
        if self.training:
            seen = self._disturbed(seen)
        return self.head(self.told(self.drop(self.body(seen).flatten(1)))).unsqueeze(1)

    def _disturbed(self, pictures: Tensor) -> Tensor:
        rows, device = len(pictures), pictures.device

        def drawn(most: float, *shape: int) -> Tensor:
            return (2.0 * torch.rand(rows, *shape, device=device) - 1.0) * most

        angle, scale = drawn(math.radians(self.turns)), torch.exp(drawn(math.log1p(self.scales)))
        turned = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(rows, 2, 2)
        moved = 2.0 * drawn(self.moves, 2, 1)  # the whole picture is 2 wide
        places = nn.functional.affine_grid(
            torch.cat([turned * scale.view(rows, 1, 1), moved], dim=2), list(pictures.shape), align_corners=False
        )
        return nn.functional.grid_sample(pictures, places, align_corners=False)


def _convolution(before: int, after: int) -> tuple[nn.Module, ...]:
    groups = math.gcd(after, 8)
    return nn.Conv2d(before, after, 3, padding=1, bias=False), nn.GroupNorm(groups, after), nn.GELU()
