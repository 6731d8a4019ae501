"""A perceptron of two layers over numbers and learnt places of categories."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class EmbeddingMLP(nn.Module):
    """Each category becomes a point in a space of its own (Guo and Berkhahn 2016), beside the numbers.

    lengths: of the categories' lists; place 0 is any other value. numbers: how many. start: what the untrained net
    answers, one number an output; it learns what to add.
    """

    def __init__(self, lengths: list[int], numbers: int, start: list[float], hidden: int, dropout: float) -> None:
        super().__init__()
        places = [nn.Embedding(length + 1, dimension(length)) for length in lengths]
        for place in places:
            nn.init.normal_(place.weight, std=0.1)  # a place that training never saw then moves the answer little
        self.places = nn.ModuleList(places)
        self.body = nn.Sequential(
            nn.Linear(sum(map(dimension, lengths)) + numbers, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.GELU(),
            nn.Dropout(dropout),
        )
        self.head = nn.Linear(hidden, len(start))
        nn.init.zeros_(self.head.weight)
        with torch.no_grad():
            self.head.bias.copy_(torch.tensor(start))

    def forward(self, categories: Tensor, numbers: Tensor) -> Tensor:
        """categories: (rows, categories), places as integers; numbers: (rows, numbers). Returns (rows, 1, outputs)."""
        found = [place(categories[:, j]) for j, place in enumerate(self.places)]
        return self.head(self.body(torch.cat([*found, numbers], dim=1))).unsqueeze(1)


def dimension(length: int) -> int:
    """Of the space for a list's places: about the root of their number, 2 to 16."""
    return min(16, math.ceil(math.sqrt(length)) + 1)
