"""A net that tells what it read, through a layer too narrow to let everything through."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pipelines.models.nets.embedding_mlp import dimension


class AutoencoderNet(nn.Module):
    """Numbers are told again from a code of few units, with the categories known on both sides (Hinton and
    Salakhutdinov 2006): so it learns which numbers go together, and for which category.

    lengths: of the categories' lists; place 0 is any other value. numbers: how many. code: units of the narrow layer.
    """

    def __init__(self, lengths: list[int], numbers: int, hidden: int, code: int) -> None:
        super().__init__()
        places = [nn.Embedding(length + 1, dimension(length)) for length in lengths]
        for place in places:
            nn.init.normal_(place.weight, std=0.1)
        self.places = nn.ModuleList(places)
        beside = sum(map(dimension, lengths))
        self.encoder = nn.Sequential(nn.Linear(beside + numbers, hidden), nn.GELU(), nn.Linear(hidden, code))
        self.decoder = nn.Sequential(nn.Linear(beside + code, hidden), nn.GELU(), nn.Linear(hidden, numbers))

    def forward(self, categories: Tensor, numbers: Tensor) -> Tensor:
        """categories: (rows, categories), places as integers; numbers: (rows, numbers). Returns (rows, numbers, 1)."""
        beside = [place(categories[:, j]) for j, place in enumerate(self.places)]
        code = self.encoder(torch.cat([*beside, numbers], dim=1))
        return self.decoder(torch.cat([*beside, code], dim=1)).unsqueeze(-1)
