"""The nets over a window: what they answer before they have learnt, how far they see, what they cannot read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny_gold import FRAME, plan_for, write_gold

from pipelines.contracts.features import History
from pipelines.contracts.fits import FitError, TargetFeatures, Workspace
from pipelines.contracts.names import DeclarationError
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families
from pipelines.models.nets.convolutions import CausalConvNet
from pipelines.models.nets.known_ahead import KnownAhead
from pipelines.models.nets.patch_transformer import PatchTransformer
from pipelines.models.nets.training import pinball, squared
from pipelines.models.nets.window_linear import DLinearNet, NLinearNet
from pipelines.models.rows import lists

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


def test_by_squared_error_it_learns_the_mean_and_by_pinball_the_median():
    skewed = torch.tensor([[0.0], [0.0], [9.0]])
    for loss, answer in ((squared(), 3.0), (pinball((0.5,)), 0.0)):
        guesses = torch.arange(0.0, 9.5, 0.5)
        totals = [loss.total(guess.expand(3, 1, 1), skewed)[0].item() for guess in guesses]
        assert guesses[int(np.argmin(totals))] == answer
    total, known = squared().total(torch.zeros(2, 1, 1), torch.tensor([[3.0], [float("nan")]]))
    assert (total.item(), known.item()) == (9.0, 1)


def test_the_curve_of_squared_errors_is_in_the_labels_unit_squared(tmp_path):
    plan = plan_for("dlinear", write_gold(tmp_path), epochs=4, origins_every=4, loss="squared")
    plan = replace(plan, quantiles=(0.5,))
    workspace = Workspace(tmp_path / "fit")
    result = fit(plan, workspace, None, FileRecorder(workspace))
    examples = examples_of(plan, plan.validate)
    predicted = families()["dlinear"].scorer(result.model).predict(examples)["q50"].to_numpy()
    best = min(point.value for point in result.curves if point.name == "validate/squared")
    assert best == pytest.approx(((lists(examples, "label", 12).ravel() - predicted) ** 2).mean(), rel=1e-4)


def test_a_mean_stands_for_no_other_quantile(tmp_path):
    plan = plan_for("cnn", write_gold(tmp_path), origins_every=24, loss="squared")
    with pytest.raises(
        FitError, match=r"^cnn: the loss 'squared' gives a mean for the quantile 0.5 alone, not for 0.1"
    ):
        fit(plan, Workspace(tmp_path / "fit"), None, FileRecorder(Workspace(tmp_path / "fit")))


def test_an_unknown_loss_is_refused():
    with pytest.raises(DeclarationError) as refused:
        families()["tcn"].settled({"loss": "absolute"})
    assert str(refused.value) == "family 'tcn': 'loss' must be pinball or squared, not 'absolute'"


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
