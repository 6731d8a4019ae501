"""Nets with all that stands around them in a scorer, as one graph from raw features to answers: what is exported.

Numbers are read and told in double precision, as the scorers do; the net between is of single precision. A missing
value is NaN.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from pipelines.models.base import Signature
from pipelines.models.channels import Channels
from pipelines.models.exportable import Tensors
from pipelines.models.nets.sealing import answered
from pipelines.models.oddity import Ranks
from pipelines.models.reading import FARTHEST, Reading
from pipelines.models.rows import CYCLES, LABEL

ANSWER = "answer"
"""What the output of a graph is called."""


def plain(network: nn.Module) -> nn.Module:
    """A copy of the network, ready to answer, whose weights are numbers and not computed from others; nor are those of
    the network from then on, which answers as before."""
    for layer in list(network.modules()):
        # in the original: a copy shares the class that parametrizations change
        if parametrize.is_parametrized(layer):
            for name in list(layer.parametrizations):  # type: ignore[arg-type]
                parametrize.remove_parametrizations(layer, name)
    return deepcopy(network).eval().requires_grad_(requires_grad=False)


@contextmanager
def traced_as(tensors: Tensors) -> Iterator[tuple[Tensor, ...]]:
    """While this lasts, nets can be traced: attention goes the long way, since its fused kernel is none of a graph's
    operations. Gives the tensors to trace by."""
    was = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad():
            yield tuple(torch.from_numpy(of) for of in tensors.values())
    finally:
        torch.backends.mha.set_fastpath_enabled(was)


class ReadRows(nn.Module):
    """`Reading` as a graph: rows become the net's places and values."""

    def __init__(self, reading: Reading, features: Sequence[str]) -> None:
        super().__init__()
        self._categories = [features.index(name) for name in reading.categories]
        self._numbers = [features.index(name) for name in reading.numbers]
        self._gaps = [features.index(name) for name in reading.gaps]
        self._cycles = [features.index(name) for name in reading.cycles]
        self._lengths = _constant(list(reading.categories.values()))
        means, deviations = zip(*reading.numbers.values(), strict=True) if reading.numbers else ((), ())
        self._means, self._deviations = _constant(means), _constant(deviations)
        self._turns = _constant([2.0 * np.pi / CYCLES[name] for name in reading.cycles])

    def forward(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """rows: (rows, features), double. Gives (rows, categories) as integers, (rows, values) as floats."""
        codes = rows[:, self._categories]
        places = torch.where((codes >= 0.0) & (codes <= self._lengths), codes, torch.zeros_like(codes)).long()
        numbers, angles = rows[:, self._numbers], rows[:, self._cycles] * self._turns
        scaled = (numbers.sign() * torch.log1p(numbers.abs()) - self._means) / self._deviations
        turned = torch.stack([_known(angles.sin()), _known(angles.cos())], dim=2).flatten(1)
        found = [_known(scaled).clamp(-FARTHEST, FARTHEST), rows[:, self._gaps].isnan().double(), turned]
        return places, torch.cat(found, dim=1).float()


class RowsGraph(nn.Module):
    """A net over rows: (rows, features) to quantiles or probabilities (rows, outputs)."""

    def __init__(self, network: nn.Module, reading: Reading, signature: Signature) -> None:
        super().__init__()
        self.network, self.read = plain(network), ReadRows(reading, signature.features)
        self._signature, self._label = signature, reading.label

    def forward(self, rows: Tensor) -> Tensor:
        mean, deviation = self._label
        found = answered(self.network(*self.read(rows))[:, 0], self._signature).double()
        return _ordered(found * deviation + mean, self._signature)


class OddityGraph(nn.Module):
    """A net that tells rows again: (rows, features) to scores (rows, 1)."""

    def __init__(self, network: nn.Module, reading: Reading, signature: Signature, ranks: Ranks) -> None:
        super().__init__()
        self.network, self.read = plain(network), ReadRows(reading, signature.features)
        self._marks, self._rows = _constant(ranks.marks), ranks.rows
        self._middle, self._spread = ranks.middle, ranks.spread

    def forward(self, rows: Tensor) -> Tensor:
        places, values = self.read(rows)
        told = self.network(places, values)[:, :, 0]
        oddity = (told.double() - values.double()).square().mean(dim=1, keepdim=True)
        marks, last = self._marks, len(self._marks) - 1
        place = ((marks <= oddity).long().sum(dim=1) - 1).clamp(0, last - 1)
        low, high = marks[place].unsqueeze(1), marks[place + 1].unsqueeze(1)
        within = ((oddity - low) / torch.where(high > low, high - low, torch.ones_like(low))).clamp(0.0, 1.0)
        within = torch.where((high > low) | (oddity < low), within, torch.ones_like(within))
        part = (place.unsqueeze(1).double() + within) / last
        turned = ((oddity - self._middle) / self._spread).float().atan()  # onnxruntime has none of double precision
        beyond = 0.5 + turned.double() / np.pi
        return (self._rows * part + beyond) / (self._rows + 1)


class WindowsGraph(nn.Module):
    """A net over windows: the past (rows, time, windows) and the features of the steps (rows, steps, features) to
    quantiles (rows, steps, quantiles). Without features per step it takes the past alone."""

    def __init__(self, network: nn.Module, channels: Channels, signature: Signature) -> None:
        super().__init__()
        self.network, self._channels, self._signature = plain(network), channels, signature
        self._past, self._steps = (_Scaled(names, channels) for names in (tuple(channels.windows), channels.numbers))
        self._turns = _constant([2.0 * np.pi / CYCLES[name] for name in channels.cycles])

    def forward(self, past: Tensor, steps: Tensor | None = None) -> Tensor:
        channels, (mean, deviation) = self._channels, self._channels.scales[LABEL]
        anchor = past.new_full((past.shape[0], 1, 1), mean)
        if channels.label is not None:
            window = past[:, :, channels.label : channels.label + 1]
            count = (~window.isnan()).double().sum(dim=1, keepdim=True)
            anchor = torch.where(count > 0.0, _known(window).sum(dim=1, keepdim=True) / count.clamp(min=1.0), anchor)
        ahead = past.new_zeros(past.shape[0], channels.steps, 0)
        if steps is not None:
            numbers, angles = steps.split([len(channels.numbers), len(channels.cycles)], dim=2)
            turned = torch.stack([_known((angles * self._turns).sin()), _known((angles * self._turns).cos())], dim=3)
            ahead = torch.cat([self._steps(numbers, anchor), turned.flatten(2)], dim=2)
        predicted = self.network(self._past(past, anchor).float(), ahead.float()).double()
        return _ordered(predicted * deviation + anchor, self._signature)


class PicturesGraph(nn.Module):
    """A net over pictures: (rows, channels, height, width) of bytes to probabilities (rows, outputs)."""

    def __init__(self, network: nn.Module, signature: Signature) -> None:
        super().__init__()
        self.network, self._signature = plain(network), signature

    def forward(self, pictures: Tensor) -> Tensor:
        return _ordered(answered(self.network(pictures)[:, 0], self._signature).double(), self._signature)


class _Scaled(nn.Module):
    """Columns on the scale of `Channels`, a missing value 0."""

    def __init__(self, names: Sequence[str], channels: Channels) -> None:
        super().__init__()
        scales: Mapping[str, Sequence[float]] = channels.scales
        like_label = [name in channels.like_label for name in names]
        scale = [scales[LABEL if of else name] for name, of in zip(names, like_label, strict=True)]
        self._by_anchor = _constant([float(of) for of in like_label])
        self._means = _constant([0.0 if of else mean for (mean, _), of in zip(scale, like_label, strict=True)])
        self._deviations = _constant([deviation for _, deviation in scale])

    def forward(self, values: Tensor, anchor: Tensor) -> Tensor:
        return _known((values - (anchor * self._by_anchor + self._means)) / self._deviations)


def _constant(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _known(values: Tensor) -> Tensor:
    return torch.where(values.isnan(), torch.zeros_like(values), values)


def _ordered(answers: Tensor, signature: Signature) -> Tensor:
    """Quantiles that do not cross, probabilities that sum to 1."""
    if len(signature.quantiles) > 1:
        return answers.sort(dim=-1).values
    return answers / answers.sum(dim=-1, keepdim=True) if signature.classes else answers
