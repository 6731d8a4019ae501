"""Which rows each step of training is made of: the same for a net's ranks together as for one process."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pipelines.contracts.fits import FitError
from pipelines.models.nets.crew import Crew


@dataclass(frozen=True)
class Batch:
    """A rank's part of a batch. rows: of its shard, at least one. by: what the sum of their losses is divided by, so
    that the mean over the ranks is that of the whole batch; infinite where none of the batch lies in the shard."""

    rows: Tensor
    by: float


class Deck:
    """The rows of all ranks, shuffled together for each epoch and dealt out in batches.

    labels: of the rank's own shard (rows, steps; NaN where unknown), on the device where the places shall lie.
    a_rank: rows that a batch has for each rank, on average: each row goes to the rank that holds it. The last batch of
    an epoch is filled with rows of a second shuffle. FitError where a rank has no row at all.
    """

    def __init__(self, labels: Tensor, a_rank: int, crew: Crew) -> None:
        held = np.zeros(crew.size)
        held[crew.rank] = len(labels)
        held = crew.total(held)
        if not held.all():
            rank = int(np.argmin(held))
            raise FitError(f"rank {rank} has no cut-off to train on; use fewer workers or a longer span")
        self._crew, self._size, self._device = crew, a_rank * crew.size, labels.device
        self._begin, self._own, self._rows = int(held[: crew.rank].sum()), len(labels), int(held.sum())
        self._known = (~torch.isnan(labels)).flatten(1).sum(1, dtype=torch.float64).numpy(force=True)
        self.batches = math.ceil(self._rows / self._size)

    def dealt(self, seed: int, epoch: int) -> Iterator[Batch]:
        """The rank's part of every batch of an epoch."""
        drawn = np.random.default_rng(np.random.SeedSequence((seed, 0, epoch)))
        in_all = self.batches * self._size
        order = np.concatenate([drawn.permutation(self._rows) for _ in range(in_all // self._rows + 1)])[:in_all]
        places = np.flatnonzero((order >= self._begin) & (order < self._begin + self._own))
        rows, batch = order[places] - self._begin, places // self._size
        known = np.bincount(batch, weights=self._known[rows], minlength=self.batches).astype(np.float64)
        known = self._crew.total(known)
        own, ends = torch.from_numpy(rows).to(self._device), np.searchsorted(batch, np.arange(self.batches + 1))
        for number in range(self.batches):
            of_batch = own[ends[number] : ends[number + 1]]
            if len(of_batch):
                yield Batch(of_batch, max(float(known[number]), 1.0) / self._crew.size)
            else:  # a rank that made no step would keep the others waiting
                yield Batch(torch.zeros(1, dtype=torch.int64, device=self._device), math.inf)
