"""The batches of ranks together are those of one process, whatever lies in whose shard."""

from __future__ import annotations

import math
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pipelines.contracts.fits import FitError
from pipelines.models.nets.batches import Deck
from pipelines.models.nets.crew import Solo

SEED = 3


class Rank:
    """One of some ranks, each in a thread of its own."""

    precision = "float32"

    def __init__(self, rank, size, barrier, told):
        self.rank, self.size, self._barrier, self._told = rank, size, barrier, told

    def total(self, values):
        self._told[self.rank] = values
        self._barrier.wait()
        summed = np.sum(self._told, axis=0)
        self._barrier.wait()
        return summed


def labels(rows, unknown=()):
    made = torch.arange(rows * 2, dtype=torch.float32).reshape(rows, 2)
    made[list(unknown)] = math.nan
    return made


def dealt(shards, a_rank, epoch=0):
    """Of each rank, its batches as (rows among all, by)."""
    barrier, told = threading.Barrier(len(shards), timeout=10), [None] * len(shards)
    begins = np.cumsum([0, *map(len, shards)])

    def one(rank):
        deck = Deck(shards[rank], a_rank, Rank(rank, len(shards), barrier, told))
        return [
            (set(), batch.by) if math.isinf(batch.by) else (rows_of(batch, begins[rank]), batch.by)
            for batch in deck.dealt(SEED, epoch)
        ]

    with ThreadPoolExecutor(len(shards)) as pool:
        return list(pool.map(one, range(len(shards))))


def rows_of(batch, begin):
    return {int(row) + begin for row in batch.rows}


@given(st.lists(st.integers(1, 30), min_size=1, max_size=4), st.integers(1, 9), st.data())
def test_the_ranks_parts_make_the_batches_of_one_process(sizes, a_rank, data):
    unknown = data.draw(st.sets(st.integers(0, sum(sizes) - 1)))
    together = labels(sum(sizes), unknown)
    alone = [(rows_of(batch, 0), batch.by) for batch in Deck(together, a_rank * len(sizes), Solo()).dealt(SEED, 1)]
    of_ranks = dealt(list(torch.split(together, sizes)), a_rank, epoch=1)
    for number, (rows, by) in enumerate(alone):
        assert set().union(*(of_rank[number][0] for of_rank in of_ranks)) == rows
        assert {of_rank[number][1] for of_rank in of_ranks if of_rank[number][0]} == {by / len(sizes)}


def test_an_epoch_has_every_row_once_before_any_is_in_it_again():
    deck = Deck(labels(10), 4, Solo())
    rows = [row for batch in deck.dealt(SEED, 0) for row in batch.rows.tolist()]
    assert (deck.batches, len(rows), sorted(rows[:10])) == (3, 12, list(range(10)))
    assert rows != [row for batch in deck.dealt(SEED, 1) for row in batch.rows.tolist()]


def test_losses_are_divided_by_the_labels_known_in_the_whole_batch():
    (batch,) = Deck(labels(3, unknown=[1]), 3, Solo()).dealt(SEED, 0)
    assert batch.by == 4.0


def test_a_rank_with_no_row_at_all_is_refused_by_its_number():
    with pytest.raises(FitError, match="rank 1 has no cut-off to train on; use fewer workers or a longer span"):
        dealt([labels(3), labels(0)], 2)
