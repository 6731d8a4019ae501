"""A weight of k for a class is as if each of its rows stood there k times, in every family that fits classes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
import torch
from tiny_events import TEST, TRAIN, VALIDATE, examples, plan_for, within

from pipelines.contracts.fits import FitError, Workspace
from pipelines.contracts.tasks import Classify
from pipelines.engines.recorder import FileRecorder
from pipelines.models.base import families
from pipelines.models.class_weights import CLASS_WEIGHT, class_weights, of_a_net
from pipelines.models.nets.crew import Solo
from pipelines.models.nets.training import cross_entropy, log_loss

NAMES = ("on_time", "late", "lost")
WEIGHTED = [name for name, of in families().items() if CLASS_WEIGHT in of.params]
EXACT = {
    "logistic": {},
    "linear_svm": {},
    "decision_tree": {"min_leaf": 1, "max_depth": 3},
    "xgboost": {"rounds": 20, "subsample": 1.0, "colsample_bytree": 1.0, "max_depth": 3},
}
"""Families that draw nothing, so that rows may stand in another order, without limits that count rows."""
SMALL = {
    **EXACT,
    "random_forest": {"trees": 10},
    "mlp": {"epochs": 6, "batch": 64, "hidden": 16},
    "image_cnn": {"hidden": 8, "blocks": 2, "epochs": 3, "batch": 64},
}
ROWS = examples()


def three_classes():
    """Legs of carrier 2 are late, those that came in very late are lost."""
    inbound = np.nan_to_num(ROWS["inbound_delay_min__as_of"].to_numpy())
    place = np.where(inbound > 15.0, 2.0, np.where(ROWS["carrier__place"].to_numpy() == 2.0, 1.0, 0.0))
    return ROWS.set_column(ROWS.schema.get_field_index("label"), "label", pa.array([[one] for one in place.tolist()]))


def repeated(rows, label, times):
    """The rows, those of this label so many times."""
    of_label = rows.filter(pa.array([values[0] == label for values in rows["label"].to_pylist()]))
    return pa.concat_tables([rows, *[of_label] * (times - 1)])


def predicted(name, train, validate, folder, classes=(), **params):
    plan = replace(plan_for(name, **SMALL[name], **params), classes=classes)
    family = families()[name]
    model = family.fit(train, validate, plan, FileRecorder(Workspace(folder))).model
    columns = plan.outputs
    found = family.scorer(model).predict(within(ROWS, TEST))
    return np.stack([found[column].to_numpy() for column in columns], axis=1)


def test_every_family_that_fits_classes_takes_weights():
    """The baseline fits none: it gives their shares."""
    fitting = {name for name, of in families().items() if Classify in of.tasks} - {"constant"}
    assert set(WEIGHTED) == fitting


@pytest.mark.parametrize("name", EXACT)
def test_a_weight_of_three_is_each_row_three_times(name, tmp_path):
    train, validate = within(ROWS, TRAIN), within(ROWS, VALIDATE)
    once = predicted(name, train, validate, tmp_path / "once")
    weighted = predicted(name, train, validate, tmp_path / "weighted", class_weight="1=3")
    judged = repeated(validate, 1.0, 3) if name == "xgboost" else validate  # the SVM's curve counts rows as they are
    thrice = predicted(name, repeated(train, 1.0, 3), judged, tmp_path / "thrice")
    assert weighted == pytest.approx(thrice, abs=2e-3)
    assert np.abs(once - thrice).max() > 0.05


@pytest.mark.parametrize("name", EXACT)
def test_so_it_is_with_several_classes(name, tmp_path):
    rows = three_classes()
    train, validate = within(rows, TRAIN), within(rows, VALIDATE)
    weighted = predicted(name, train, validate, tmp_path / "weighted", NAMES, class_weight="lost=2")
    judged = repeated(validate, 2.0, 2) if name == "xgboost" else validate
    twice = predicted(name, repeated(train, 2.0, 2), judged, tmp_path / "twice", NAMES)
    assert weighted == pytest.approx(twice, abs=5e-3)


@pytest.mark.parametrize("name", WEIGHTED)
def test_a_class_that_counts_more_is_told_as_more_probable(name, tmp_path):
    """But by the SVM, whose curve is learnt without weights."""
    train, validate = within(ROWS, TRAIN), within(ROWS, VALIDATE)
    plain, weighted = (
        predicted(name, train, validate, tmp_path / f"by-{text}", class_weight=text).mean() for text in ("1=1", "1=5")
    )
    assert weighted == pytest.approx(plain, abs=0.03) if name == "linear_svm" else weighted > plain + 0.1


def test_balanced_weights_are_rows_by_classes_and_rows_of_the_class():
    plan = replace(plan_for("logistic"), classes=NAMES)
    assert class_weights({"class_weight": "balanced"}, plan, np.array([60.0, 30.0, 10.0])).tolist() == pytest.approx(
        [100 / (3 * 60), 100 / (3 * 30), 100 / (3 * 10)]
    )
    unseen = class_weights({"class_weight": "balanced"}, plan, np.array([30.0, 0.0, 10.0]))
    assert unseen.tolist() == pytest.approx([40 / 60, 1.0, 40 / 20])


def test_weights_are_told_by_name_or_by_label():
    named = replace(plan_for("logistic"), classes=NAMES)
    assert class_weights({"class_weight": "late=3, lost=0.5"}, named, np.ones(3)).tolist() == [1.0, 3.0, 0.5]
    assert class_weights({"class_weight": "1=10"}, plan_for("logistic"), np.ones(2)).tolist() == [1.0, 10.0]


@pytest.mark.parametrize("text", ["early=2", "late", "late=0", "late=-1", "late=inf", "late=x", "balance"])
def test_weights_that_are_none_are_named(text):
    with pytest.raises(FitError) as refused:
        class_weights({"class_weight": text}, replace(plan_for("logistic"), classes=NAMES), np.ones(3))
    assert str(refused.value) == (
        f"logistic by single: class_weight: '{text}' is no class with a weight above 0; write 'balanced', or such as "
        "'lost=10'. Classes: on_time, late, lost"
    )


@pytest.mark.parametrize("name", ["decision_tree", "linear_svm", "mlp", "random_forest", "xgboost"])
def test_weights_are_for_probabilities(name, tmp_path):
    plan = plan_for(name, quantiles=(0.5,), class_weight="balanced")
    with pytest.raises(FitError, match=f"^{name} by single: 'class_weight' is for probabilities; leave it out$"):
        families()[name].fit(within(ROWS, TRAIN), within(ROWS, VALIDATE), plan, FileRecorder(Workspace(tmp_path)))


def test_a_nets_loss_counts_a_row_as_often_as_its_class_says():
    answer = torch.tensor([[[0.3]], [[-1.2]], [[0.8]]])
    labels = torch.tensor([[0.0], [1.0], [float("nan")]])
    total, known = log_loss([1.0, 3.0]).total(answer, labels)
    thrice, _ = log_loss().total(answer[[0, 1, 1, 1, 2]], labels[[0, 1, 1, 1, 2]])
    assert (total.item(), known.item()) == (pytest.approx(thrice.item()), 2)
    answers = torch.tensor([[[0.3, 0.1, -0.4]], [[-1.2, 0.0, 0.5]]])
    places = torch.tensor([[2.0], [0.0]])
    weighted = cross_entropy([1.0, 1.0, 2.0]).total(answers, places)[0]
    assert weighted.item() == pytest.approx(cross_entropy().total(answers[[0, 0, 1]], places[[0, 0, 1]])[0].item())


def test_a_nets_weights_have_a_mean_of_one_over_all_ranks_rows():
    class Pair(Solo):
        """Another rank saw six rows of class 0 and two of class 1."""

        def total(self, values):
            return values + np.array([6.0, 2.0])

    plan = plan_for("mlp")
    weights, start = of_a_net({"class_weight": "1=4"}, plan, np.array([0.0, 1.0]), Pair())
    assert weights == pytest.approx([10 / 19, 40 / 19])
    assert 7 * weights[0] + 3 * weights[1] == pytest.approx(10.0)
    assert start == pytest.approx([np.log((3 * weights[1] + 0.5) / (7 * weights[0] + 0.5))])
