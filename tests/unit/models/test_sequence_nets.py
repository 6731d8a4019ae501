"""The nets over a window: what they answer before they have learnt, how far they see, what they cannot read."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_gold import FRAME, plan_for, write_gold

from pipelines.contracts.features import History
from pipelines.contracts.fits import FitError, TargetFeatures, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families
from pipelines.models.nets.convolutions import CausalConvNet
from pipelines.models.nets.known_ahead import KnownAhead
from pipelines.models.nets.patch_transformer import PatchTransformer
from pipelines.models.nets.window_linear import DLinearNet, NLinearNet

NETS = ["cnn", "dlinear", "nlinear", "patchtst", "tcn"]
SIZES = {"time": 6, "channels": 2, "features": 3, "steps": 2, "quantiles": 1}
PAST = torch.tensor([[[0.0, 9.0], [1.0, 9.0], [2.0, 9.0], [3.0, 9.0], [4.0, 9.0], [5.0, 7.0]]])
STEPS = torch.tensor([[[1.0, 50.0, 3.0], [5.0, 50.0, 7.0]]])
LOAD_6H = TargetFeatures("gold.tiny_load", "region_id", (History("load_mw", 6),))
HOLIDAYS_48H = TargetFeatures("gold.tiny_holidays", "", (History("is_workday", 48),))


def test_untrained_dlinear_answers_with_the_mean_of_the_labels_lags():
    network = DLinearNet(**SIZES, lags=[0, 2], kernel=3)
    assert network(PAST, STEPS).squeeze().tolist() == [2.0, 6.0]


def test_dlinear_reads_the_running_mean_apart_from_the_rest():
    network = DLinearNet(**SIZES, lags=[], kernel=3)
    with torch.no_grad():
        network.trend.weight[0, -1] = 1.0  # the last mean of channel 1: of 9, 7 and 7 again
        network.rest.weight[1, -1] = 1.0
    assert network(PAST, STEPS).squeeze().tolist() == pytest.approx([23 / 3, 7 - 23 / 3], abs=1e-6)


def test_untrained_nlinear_repeats_the_labels_last_value():
    network = NLinearNet(**SIZES, label=1)
    assert network(PAST, STEPS).squeeze().tolist() == [7.0, 7.0]
    assert NLinearNet(**SIZES, label=None)(PAST, STEPS).squeeze().tolist() == [0.0, 0.0]


def test_untrained_patchtst_answers_with_the_mean_of_the_labels_window():
    network = PatchTransformer(
        **SIZES, lags=[], label=0, width=4, heads=2, layers=1, inner=8, patch=4, stride=2, dropout=0.0
    )
    assert network(PAST, STEPS).squeeze().tolist() == [2.5, 2.5]


def test_patchtst_tells_a_window_of_another_level_and_width_as_it_told_the_first():
    torch.manual_seed(1)
    network = PatchTransformer(
        **SIZES | {"channels": 1}, lags=[], label=0, width=4, heads=2, layers=1, inner=8, patch=4, stride=2, dropout=0.0
    ).eval()
    torch.nn.init.normal_(network.head.weight)
    once, wider = network(PAST[:, :, :1], STEPS), network(100.0 + 10.0 * PAST[:, :, :1], STEPS)
    assert torch.allclose(100.0 + 10.0 * once, wider, rtol=1e-3)


@pytest.mark.parametrize("time", [1, 6, 48])
def test_a_causal_net_sees_the_whole_window_from_its_last_step(time):
    torch.manual_seed(1)
    network = CausalConvNet(**SIZES | {"time": time, "channels": 1}, lags=[], hidden=8, kernel=3, dropout=0.0).eval()
    past = torch.randn(1, time, 1, requires_grad=True)
    network.blocks(past.transpose(1, 2))[:, :, -1].sum().backward()
    assert past.grad is not None
    assert (past.grad != 0.0).sum() >= time - 1  # a unit that is off for one value hides it


def test_without_features_nothing_is_added_ahead():
    assert KnownAhead(0, 3, [])(torch.zeros(2, 5, 0)).tolist() == [[[0.0]] * 5] * 2


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(
    "frame",
    [
        replace(FRAME, windows=(LOAD_6H, HOLIDAYS_48H), targets=()),
        replace(FRAME, windows=(LOAD_6H,)),
        replace(FRAME, windows=(HOLIDAYS_48H,)),
    ],
)
def test_any_windows_will_do_with_or_without_features_per_step(name, frame, tmp_path):
    plan = replace(plan_for(name, write_gold(tmp_path), epochs=1, origins_every=12), frame=frame)
    workspace = Workspace(tmp_path / "fit")
    model = fit(plan, workspace, None, FileRecorder(workspace)).model
    predicted = families()[name].scorer(model).predict(examples_of(plan, plan.validate))
    assert (len(predicted), predicted["q50"].null_count) == (120, 0)


@pytest.mark.parametrize(
    ("name", "frame", "said"),
    [
        ("dlinear", replace(FRAME, windows=()), "dlinear: the task needs a view of windows (History)"),
        (
            "lstm",
            replace(FRAME, targets=()),
            "lstm: the task needs a view at the target, such as a Calendar, which it decodes",
        ),
    ],
)
def test_what_a_net_cannot_read_is_said(name, frame, said, tmp_path):
    plan = replace(plan_for(name, write_gold(tmp_path), origins_every=24), frame=frame)
    with pytest.raises(FitError) as refused:
        fit(plan, Workspace(tmp_path / "fit"), None, FileRecorder(Workspace(tmp_path / "fit")))
    assert str(refused.value) == said
