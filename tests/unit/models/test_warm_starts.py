"""What holds for every family that can begin from a registered model, on tiny gold in this process."""

from __future__ import annotations

from dataclasses import replace

import pytest
import safetensors.torch
import tiny_events
import tiny_gold

from pipelines.contracts.cards import sha256
from pipelines.contracts.fits import FitError, WarmStart, Workspace
from pipelines.contracts.model_references import START_FROM
from pipelines.contracts.names import DeclarationError
from pipelines.engines import fit
from pipelines.engines.recorder import CHECKPOINT, FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families

SEQUENCES = {"hidden": 16, "epochs": 3, "origins_every": 6}
SMALL = {
    "lstm": SEQUENCES,
    "cnn": SEQUENCES,
    "tcn": SEQUENCES,
    "dlinear": {"epochs": 3, "origins_every": 6},
    "nlinear": {"epochs": 3, "origins_every": 6},
    "patchtst": {"width": 32, "layers": 2, "epochs": 3, "origins_every": 6, "learning_rate": 5e-4},
    "mlp": {"epochs": 3, "batch": 32},
    "image_cnn": {"hidden": 8, "blocks": 2, "epochs": 2, "batch": 64},
    "autoencoder": {"epochs": 3, "batch": 64},
    "xgboost": {"rounds": 20, "segment": 10, "learning_rate": 0.1},
}
WARM = [name for name, of in families().items() if any(param.name == START_FROM for param in of.params)]
NETS = [name for name in WARM if name != "xgboost"]
ADAPTED = [name for name in NETS if name != "autoencoder"]
"""Nets with a linear layer that is large enough."""


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return tiny_gold.write_gold(tmp_path_factory.mktemp("series"))


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    return tiny_events.write_gold(tmp_path_factory.mktemp("events"))


@pytest.fixture(scope="module")
def cold(series, events):
    """The plan of a family's small fit that begins anew, with other parameters where they are given."""

    def plan(name, **params):
        params = SMALL[name] | params
        if name == "image_cnn":
            return tiny_events.plan_for(name, tables=events, **params)
        if name == "autoencoder":
            return replace(tiny_events.plan_for(name, tables=events, **params), is_unlabelled=True)
        return tiny_gold.plan_for(name, series, **params)

    return plan


def fitted(plan, folder, recorder=FileRecorder):
    workspace = Workspace(folder)
    return fit(plan, workspace, None, recorder(workspace))


@pytest.fixture(scope="module")
def first(cold, tmp_path_factory):
    """The models to begin from, each with its file."""
    found = {}
    for name in WARM:
        folder = tmp_path_factory.mktemp(name)
        result = fitted(cold(name), folder)
        (folder / "model").write_bytes(result.model)
        found[name] = (result, folder / "model")
    return found


@pytest.fixture(scope="module")
def warm(cold, first):
    """The plan of a fit that begins from the family's model, as the runner would make it."""

    def plan(name, **params):
        result, file = first[name]
        begun = cold(name, start_from=f"models:/tiny-{name}@champion", **params)
        learnt_from = (begun.train, begun.validate)
        return replace(
            begun, warm_start=WarmStart(f"tiny-{name}", 3, sha256(result.model), learnt_from, "m-1", str(file))
        )

    return plan


def predictions(name, plan, model):
    return families()[name].scorer(model).predict(examples_of(plan, plan.validate))


def losses(result):
    return [point.value for point in result.curves if point.name.startswith("validate/")]


def test_all_nets_and_boosted_trees_can_begin_from_a_model():
    nets = ("autoencoder", "cnn", "dlinear", "image_cnn", "lstm", "mlp", "nlinear", "patchtst", "tcn")
    assert sorted(WARM) == sorted([*nets, "xgboost"])


@pytest.mark.parametrize("name", NETS)
def test_without_an_epoch_a_net_is_the_model_that_it_began_from(name, warm, first, tmp_path):
    plan = warm(name, epochs=0)
    result = fitted(plan, tmp_path)
    assert predictions(name, plan, result.model).equals(predictions(name, plan, first[name][0].model))


@pytest.mark.parametrize("name", WARM)
def test_a_fit_goes_on_where_the_model_stood(name, warm, first, tmp_path):
    """It begins below where the cold fit began, and ends below where that ended."""
    before, after = losses(first[name][0]), losses(fitted(warm(name), tmp_path))
    assert after[0] < before[0]
    assert min(after) < min(before)


@pytest.mark.parametrize("name", WARM)
def test_the_same_seed_gives_the_same_model_wherever_the_fit_was_killed(name, warm, tmp_path):
    """From every checkpoint that there ever was; nets by adapters, where they have room for some."""
    plan = warm(name, **({"adapter_rank": 1} if name in ADAPTED else {}))
    kept = []

    class Keeping(FileRecorder):
        def checkpoint(self, state):
            self._due_at_s = 0.0
            super().checkpoint(state)
            kept.append((tmp_path / CHECKPOINT).read_bytes())

    undisturbed = fitted(plan, tmp_path, Keeping)
    assert len(kept) > 1
    for content in list(kept):
        (tmp_path / CHECKPOINT).write_bytes(content)
        resumed = fitted(plan, tmp_path)
        assert (resumed.model, resumed.curves) == (undisturbed.model, undisturbed.curves)


@pytest.mark.parametrize("name", ADAPTED)
def test_adapters_train_a_twentieth_at_most_and_leave_a_model_like_any_other(name, warm, first, tmp_path):
    """What they do not reach is as it was, to the bit."""
    result = fitted(warm(name, adapter_rank=1), tmp_path)
    before, after = (safetensors.torch.load(of.model) for of in (first[name][0], result))
    assert {of: tensor.shape for of, tensor in after.items()} == {of: tensor.shape for of, tensor in before.items()}
    moved = [of for of in after if not after[of].equal(before[of])]
    assert moved
    assert all(of.endswith("weight") and after[of].dim() == 2 for of in moved)
    assert 0.0 < result.trained_share <= 0.05
    size = sum(tensor.numel() for tensor in before.values())
    assert result.trained_share == pytest.approx(sum(sum(after[of].shape) for of in moved) / size, rel=0.05)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        (
            "dlinear",
            {"adapter_rank": 2},
            r"adapters of rank 2 may be 5% of a net's weights at most, here they are 9\.\d%",
        ),
        (
            "autoencoder",
            {"adapter_rank": 1},
            r"at most, here no linear layer is large enough\. Take a lower adapter_rank",
        ),
    ],
)
def test_more_than_a_twentieth_is_refused(name, params, said, warm, tmp_path):
    with pytest.raises(FitError, match=said):
        fitted(warm(name, **params), tmp_path)


@pytest.mark.parametrize("params", [{"adapter_rank": 1}, {"adapter_rank": -1, "start_from": "models:/tiny/3"}])
def test_adapters_need_a_model_and_a_rank(params, cold, tmp_path):
    with pytest.raises(DeclarationError, match=r"^family 'mlp': 'adapter_rank' is 0, or a number of 1 or more beside"):
        fitted(cold("mlp", **params), tmp_path)


@pytest.mark.parametrize("name", WARM)
@pytest.mark.parametrize("text", ["tiny/3", "models:/tiny", "models:/tiny/0", "models:/tiny@"])
def test_a_text_that_names_no_model_is_refused(name, text, cold, tmp_path):
    with pytest.raises(DeclarationError, match=f"^'{text}' names no registered model; write models:/NAME/VERSION or"):
        fitted(cold(name, start_from=text), tmp_path)


def test_boosting_goes_on_as_if_it_had_never_stopped(cold, warm, first, tmp_path):
    """Twenty rounds after twenty are forty, to the bit, where the fit drew by the seeds of those rounds."""
    plan = cold("xgboost", rounds=40)
    whole = fitted(plan, tmp_path / "whole")
    onward = fitted(warm("xgboost"), tmp_path / "onward")
    assert (first["xgboost"][0].best_step, onward.best_step, whole.best_step) == (19, 19, 39)
    assert predictions("xgboost", plan, onward.model).equals(predictions("xgboost", plan, whole.model))
    assert losses(onward) == losses(whole)[20:]


@pytest.mark.parametrize("name", WARM)
def test_a_model_of_other_features_is_refused(name, warm, tmp_path):
    plan = warm(name)
    frame = replace(plan.frame, cut_off_features=(*plan.frame.cut_off_features[1:],))
    gone = plan.frame.cut_off_features[0]
    with pytest.raises(FitError) as refused:
        fitted(replace(plan, frame=replace(frame, categories=())), tmp_path)
    assert str(refused.value) == (
        f"{name} by single: the fit cannot begin from tiny-{name}/3: it reads other features: only it has {gone}, only "
        "this fit has none. Begin from a model of the same kind, or leave start_from out"
    )


@pytest.mark.parametrize("name", [name for name in WARM if name not in ("image_cnn", "autoencoder")])
def test_a_model_of_other_answers_is_refused(name, warm, tmp_path):
    with pytest.raises(FitError, match=rf"from tiny-{name}/3: it answers with q10, q50, q90, not q5, q50\. Begin"):
        fitted(replace(warm(name), quantiles=(0.05, 0.5)), tmp_path)


@pytest.mark.parametrize(
    ("name", "params", "said"),
    [
        ("mlp", {"hidden": 8}, "it has other sizes: hidden 64 there, 8 here"),
        ("image_cnn", {"blocks": 1}, "it has other sizes: blocks 2 there, 1 here"),
        ("patchtst", {"heads": 8}, "it has other sizes: heads 4 there, 8 here"),
        ("lstm", {"patch": 4}, "it reads other channels: patch 6 there, 4 here"),
    ],
)
def test_a_model_of_other_sizes_is_refused(name, params, said, warm, tmp_path):
    with pytest.raises(FitError, match=f"from tiny-{name}/3: {said}"):
        fitted(warm(name, **params), tmp_path)


@pytest.mark.parametrize("name", ["mlp", "autoencoder"])
def test_other_lists_of_categories_are_refused(name, cold, events, tmp_path):
    plan = replace(tiny_events.plan_for(name, tables=events, **SMALL[name]), is_unlabelled=name == "autoencoder")
    model = fitted(plan, tmp_path / "cold").model
    (tmp_path / "model").write_bytes(model)
    start = WarmStart("tiny", 3, sha256(model), (plan.train,), "m-1", str(tmp_path / "model"))
    longer = replace(plan, warm_start=start, frame=replace(plan.frame, categories=(("carrier__place", 4),)))
    with pytest.raises(
        FitError, match=r"it knows the categories carrier__place \(3\), here they are carrier__place \(4\)"
    ):
        fitted(longer, tmp_path / "warm")


def test_a_model_that_is_gone_or_another_is_named(warm, first, tmp_path):
    plan = warm("mlp")
    gone = replace(plan, warm_start=replace(plan.warm_start, file=str(tmp_path / "gone")))
    with pytest.raises(FitError, match=r"^mlp by single: tiny-mlp/3, from which the fit begins: .* No such file"):
        fitted(gone, tmp_path)
    other = replace(plan, warm_start=replace(plan.warm_start, file=str(first["lstm"][1])))
    with pytest.raises(FitError, match=r"is not what was registered as tiny-mlp/3; delete it$"):
        fitted(other, tmp_path)
    with pytest.raises(FitError, match=r"the plan does not say which model models:/tiny-mlp@champion was$"):
        fitted(replace(plan, warm_start=None), tmp_path)


def test_the_model_that_a_fit_begins_from_is_a_part_of_its_key(warm):
    plan = warm("mlp")
    assert replace(plan, warm_start=replace(plan.warm_start, file="elsewhere", model_id="m-2")).key == plan.key
    others = [replace(plan, warm_start=of) for of in (None, replace(plan.warm_start, version=4))]
    assert len({plan.key, *(of.key for of in others)}) == 3
