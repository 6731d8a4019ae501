"""The net: its channels stay in order, and it finds the same time on earlier days."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_gold import FRAME, plan_for, write_gold

from pipelines.contracts.features import History
from pipelines.contracts.fits import TargetFeatures, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families
from pipelines.models.nets.seq2seq import Seq2Seq
from pipelines.models.rows import lists


def with_windows(*windows):
    return replace(FRAME, windows=windows)


LOAD_48H = TargetFeatures("gold.tiny_load", "region_id", (History("load_mw", 48),))
LOAD_6H = TargetFeatures("gold.tiny_load", "region_id", (History("load_mw", 6),))
HOLIDAYS_48H = TargetFeatures("gold.tiny_holidays", "", (History("is_workday", 48),))


@pytest.mark.parametrize(
    "frame", [with_windows(LOAD_48H, HOLIDAYS_48H), with_windows(LOAD_6H), with_windows(HOLIDAYS_48H)]
)
def test_a_model_that_was_read_predicts_as_well_as_on_its_validate_span(frame, tmp_path):
    plan = plan_for("lstm", write_gold(tmp_path), epochs=4, hidden=8, origins_every=4)
    plan = replace(plan, frame=frame)
    workspace = Workspace(tmp_path / "fit")
    result = fit(plan, workspace, None, FileRecorder(workspace))
    examples = examples_of(plan, plan.validate)
    labels = lists(examples, "label", 12).ravel()
    predicted = families()["lstm"].scorer(result.model).predict(examples)
    losses = [
        np.maximum(q * (labels - values), (q - 1) * (labels - values)).mean()
        for q, values in ((q, predicted[name].to_numpy()) for q, name in ((0.1, "q10"), (0.5, "q50"), (0.9, "q90")))
    ]
    best = min(point.value for point in result.curves if point.name == "validate/pinball")
    assert math.isclose(np.mean(losses), best, rel_tol=1e-4)


def test_an_untrained_net_answers_with_the_mean_of_the_same_time_on_earlier_days():
    network = Seq2Seq(
        channels=2, features=3, quantiles=1, lags=[0], label=1, analogues=2, period=4, hidden=4, patch=5, dropout=0.0,
        feature_dropout=0.0,
    )  # fmt: skip
    past = torch.zeros(1, 10, 2)  # two days of four steps; the first two steps are before them
    past[0, :, 1] = torch.tensor([90.0, 90.0, 1.0, 2.0, 3.0, 4.0, 3.0, 4.0, 5.0, 6.0])
    answer = network.eval()(past, torch.ones(1, 3, 3))
    assert answer.squeeze().tolist() == [2.0, 3.0, 4.0]


def test_without_analogues_it_answers_with_the_mean_of_the_labels_lags():
    network = Seq2Seq(
        channels=1, features=3, quantiles=1, lags=[0, 2], label=0, analogues=0, period=4, hidden=4, patch=2,
        dropout=0.0, feature_dropout=0.0,
    )  # fmt: skip
    answer = network.eval()(torch.zeros(1, 2, 1), torch.tensor([[[1.0, 50.0, 3.0], [5.0, 50.0, 7.0]]]))
    assert answer.squeeze().tolist() == [2.0, 6.0]
