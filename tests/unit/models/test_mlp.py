"""How the net reads a row, and what it starts from."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tiny_events import TRAIN, VALIDATE, examples, plan_for, within

from pipelines.models.mlp import MLP
from pipelines.models.nets.crew import Solo
from pipelines.models.nets.embedding_mlp import EmbeddingMLP, dimension
from pipelines.models.nets.training import log_loss
from pipelines.models.reading import Reading

READING = Reading(
    categories={"carrier__place": 3},
    cycles=("calendar__time_of_day",),
    numbers={"amount_usd__own": (0.0, 2.0), "delay_min__as_of": (1.0, 1.0)},
    gaps=("delay_min__as_of",),
    label=(0.0, 1.0),
)


class Quiet:
    def record(self, name, step, value):
        pass

    def checkpoint(self, state):
        pass

    def checkpointed(self):
        return None

    def is_behind(self, step, loss):
        return False


class Twin(Solo):
    """Two ranks that hold the same rows."""

    def total(self, values):
        return 2.0 * values


def test_places_outside_the_list_and_missing_ones_are_any_other_value():
    columns = {"carrier__place": np.array([0.0, 1.0, 3.0, 4.0, -1.0, np.nan])}
    assert READING.places(columns).tolist() == [[0], [1], [3], [0], [0], [0]]


def test_numbers_are_read_by_powers_and_a_gap_is_told_from_a_mean():
    columns = {
        "carrier__place": np.zeros(3),
        "calendar__time_of_day": np.array([0.0, 6.0, np.nan]),
        "amount_usd__own": np.array([np.e**2 - 1.0, 1.0 - np.e**4, 1e300]),
        "delay_min__as_of": np.array([np.e - 1.0, np.nan, np.e**3 - 1.0]),
    }
    assert READING.values(columns).tolist() == [
        pytest.approx([1.0, 0.0, 0.0, 0.0, 1.0], abs=1e-6),
        pytest.approx([-2.0, 0.0, 1.0, 1.0, 0.0], abs=1e-6),
        pytest.approx([8.0, 2.0, 0.0, 0.0, 0.0], abs=1e-6),
    ]


def test_an_untrained_net_answers_with_its_start_and_its_spaces_grow_with_the_root_of_the_list():
    network = EmbeddingMLP(lengths=[3], numbers=2, start=[-1.5], hidden=4, dropout=0.0).eval()
    answer = network(torch.tensor([[0], [3]]), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    assert answer.tolist() == [[[-1.5]], [[-1.5]]]
    assert [dimension(length) for length in (1, 2, 16, 100, 1000)] == [2, 3, 5, 11, 16]


def test_the_log_loss_of_even_odds_is_the_log_of_two_and_unknown_labels_do_not_count():
    total, known = log_loss().total(torch.zeros(3, 1, 1), torch.tensor([[1.0], [0.0], [torch.nan]]))
    assert (total.item(), known.item()) == (pytest.approx(2 * np.log(2.0)), 2)


def test_scales_are_those_of_all_ranks_rows():
    rows, kept = examples(), []
    for crew in (Solo(), Twin()):
        plan = plan_for("mlp", epochs=1, batch=256, hidden=4)
        model = MLP().train(within(rows, TRAIN), within(rows, VALIDATE), plan, crew, Quiet()).model
        header = json.loads(model[8 : 8 + int.from_bytes(model[:8], "little")])
        kept.append(json.loads(header["__metadata__"]["headrace"])["reading"])
    assert kept[0] == kept[1]
    assert kept[0]["gaps"] == ["inbound_delay_min__as_of"]
    assert kept[0]["categories"] == {"carrier__place": 3}
