"""What holds for every family that answers questions about events, fitted on examples made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sklearn.metrics import roc_auc_score
from tiny_events import FRAME, TEST, TRAIN, VALIDATE, examples, plan_for, within

from pipelines.contracts.fits import FitError, Workspace
from pipelines.contracts.tasks import Classify, Estimate
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.models.base import families

SMALL = {
    "xgboost": {"rounds": 40, "learning_rate": 0.2},
    "random_forest": {"trees": 20, "features_share": 0.8},
    "mlp": {"epochs": 12, "batch": 64, "hidden": 16},
    "image_cnn": {"hidden": 8, "blocks": 2, "epochs": 6, "batch": 64, "moves": 0.0, "turns": 0.0, "scales": 0.0},
}
FAMILIES = [name for name, family in families().items() if Classify in family.tasks]
ESTIMATORS = [name for name, family in families().items() if Estimate in family.tasks]
ROWS = examples()
CARRIER_2 = pc.cast(pc.equal(ROWS["carrier__place"], 2.0), pa.float64())


def fitted(name, folder, train=None, quantiles=()):
    family, recorder = families()[name], FileRecorder(Workspace(folder))
    train = within(ROWS, TRAIN) if train is None else train
    plan = plan_for(name, quantiles=quantiles, **SMALL.get(name, {}))
    result = family.fit(train, within(ROWS, VALIDATE), plan, recorder)
    return replace(result, curves=recorder.points())


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    return {name: fitted(name, tmp_path_factory.mktemp(name)) for name in FAMILIES}


def scorer(name, result):
    return families()[name].scorer(result.model)


def with_label(rows, label):
    return rows.set_column(
        rows.schema.get_field_index("label"), "label", pa.array([[label]] * len(rows), pa.list_(pa.float64()))
    )


def test_there_is_a_baseline_and_a_family_for_each_engine():
    both = ["decision_tree", "linear_svm", "mlp", "random_forest", "xgboost"]
    assert sorted(FAMILIES) == sorted(["constant", "image_cnn", "logistic", *both])
    assert sorted(ESTIMATORS) == sorted(["constant", "linear", *both])


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_tells_late_from_punctual_by_an_honest_probability(name, fits):
    rows = within(ROWS, TEST)
    predicted = scorer(name, fits[name]).predict(rows)
    assert predicted.column_names == ["leg_id", "cut_at", "step", "target_at", "probability"]
    assert predicted["target_at"] == predicted["cut_at"] == rows["cut_at"]
    assert pc.unique(predicted["step"]).to_pylist() == [1]
    probability = predicted["probability"].to_numpy()
    assert ((probability >= 0.0) & (probability <= 1.0)).all()
    label = np.array([row[0] for row in rows["label"].to_pylist()], np.float64)
    known = ~np.isnan(label)
    order = roc_auc_score(label[known], probability[known])
    assert order == 0.5 if name == "constant" else order > 0.8
    assert abs(probability.mean() - label[known].mean()) < 0.05


@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_scored_alone_equals_itself_in_a_batch(name, fits):
    of, rows = scorer(name, fits[name]), within(ROWS, TEST)  # 500 rows: more than one block of the net
    batch = of.predict(rows).to_pylist()
    assert [of.predict(rows.slice(i, 1)).to_pylist()[0] for i in range(0, len(rows), 9)] == batch[::9]
    assert len(of.predict(rows.slice(0, 0))) == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_missing_features_and_unheard_of_categories_do_not_stop_a_prediction(name, fits):
    rows = within(ROWS, TEST).slice(0, 2)
    for feature in FRAME.features:
        value = [9.0, None] if feature == "carrier__place" else [None, None]
        rows = rows.set_column(rows.schema.get_field_index(feature), feature, pa.array(value, pa.float64()))
    assert scorer(name, fits[name]).predict(rows)["probability"].null_count == 0


@pytest.mark.parametrize("name", FAMILIES)
def test_rows_without_a_label_are_left_out(name, fits, tmp_path):
    train = within(ROWS, TRAIN)
    without = train.filter(pc.is_valid(pc.list_element(train["label"], 0)))
    assert len(without) < len(train)
    assert fitted(name, tmp_path, without).model == fits[name].model


@pytest.mark.parametrize("name", FAMILIES)
def test_labels_that_cannot_be_learnt_from_are_named(name, tmp_path):
    train = within(ROWS, TRAIN)
    with pytest.raises(FitError, match=f"^{name} by single: no row of the train span has a label$"):
        fitted(name, tmp_path, with_label(train, None))
    said = f"^{name} by single: 'is_late' must be 0 or 1 where its probability is asked for, found 2; "
    with pytest.raises(FitError, match=said):
        fitted(name, tmp_path, pa.concat_tables([train, with_label(train.slice(0, 1), 2.0)]))


@pytest.mark.parametrize("name", ["xgboost", "mlp"])
def test_what_is_learnt_in_rounds_leaves_its_log_loss(name, fits):
    result = fits[name]
    validate = [point.value for point in result.curves if point.name == "validate/logloss"]
    assert {point.name for point in result.curves} == {"train/logloss", "validate/logloss"}
    assert min(validate) == validate[result.best_step] < 0.5
    rows = within(ROWS, VALIDATE)
    label = np.array([row[0] for row in rows["label"].to_pylist()], np.float64)
    probability = scorer(name, result).predict(rows)["probability"].to_numpy()
    losses = -np.log(np.where(label == 1.0, probability, 1.0 - probability))[~np.isnan(label)]
    assert losses.mean() == pytest.approx(min(validate), rel=1e-4)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_number_is_estimated_by_quantiles(name, tmp_path):
    """The label is the delay of the inbound flight, plus 30 minutes for carrier 2."""
    delay = pc.add(pc.fill_null(ROWS["inbound_delay_min__as_of"], 0.0), pc.multiply(30.0, CARRIER_2))
    rows = ROWS.set_column(6, "label", pa.array([[value] for value in delay.to_pylist()]))
    family, recorder = families()[name], FileRecorder(Workspace(tmp_path))
    plan = plan_for(name, quantiles=(0.1, 0.5, 0.9), **SMALL.get(name, {}))
    result = family.fit(within(rows, TRAIN), within(rows, VALIDATE), plan, recorder)
    asked = within(rows, TEST)
    predicted = family.scorer(result.model).predict(asked)
    quantiles = np.stack([predicted[q].to_numpy() for q in ("q10", "q50", "q90")])
    assert (np.diff(quantiles, axis=0) >= 0).all()
    label = np.array([row[0] for row in asked["label"].to_pylist()])
    naive = np.abs(label - np.median(label)).mean()
    error = np.abs(label - quantiles[1]).mean()
    assert error == pytest.approx(naive, rel=0.05) if name == "constant" else error < 0.5 * naive


@pytest.mark.parametrize(
    ("family", "quantiles", "said"),
    [
        ("linear", (), "linear answers Forecast and Estimate tasks, 'is_late' is of the kind Classify"),
        ("logistic", (0.5,), "logistic answers Classify tasks, 'is_late' is of the kind Estimate"),
        ("lstm", (0.5,), "lstm answers Forecast tasks, 'is_late' is of the kind Estimate"),
    ],
)
def test_a_family_refuses_a_question_that_is_not_its_own(family, quantiles, said, tmp_path):
    with pytest.raises(FitError) as refused:
        fit(plan_for(family, quantiles=quantiles), Workspace(tmp_path), None, FileRecorder(Workspace(tmp_path)))
    assert str(refused.value) == said


def test_boosted_trees_by_squared_error_give_the_mean_and_by_pinball_the_median(tmp_path):
    """Of two carriers, whose delays are 0, 0 and 90 minutes in turn, and 100 more for each number of the carrier."""
    carrier = np.tile([1.0, 2.0], 300)
    delay = np.repeat(np.tile([0.0, 0.0, 90.0], 100), 2) + 100.0 * carrier
    rows = within(ROWS, TRAIN).slice(0, 600)
    for name, column in (("carrier__place", pa.array(carrier)), ("label", pa.array(delay[:, None].tolist()))):
        rows = rows.set_column(rows.schema.get_field_index(name), name, column)
    params = {"rounds": 40, "learning_rate": 0.3, "max_depth": 1, "colsample_bytree": 1.0, "subsample": 1.0}
    answers = {}
    for loss, curve in (("squared", "rmse"), ("pinball", "pinball")):
        recorder = FileRecorder(Workspace(tmp_path / loss))
        plan = replace(
            plan_for("xgboost", quantiles=(0.5,), loss=loss, **params),
            frame=replace(FRAME, cut_off_features=("carrier__place",), categories=()),
        )
        result = families()["xgboost"].fit(rows, rows, plan, recorder)
        answers[loss] = scorer("xgboost", result).predict(rows.slice(0, 2))["q50"].to_pylist()
        assert {point.name for point in recorder.points()} == {f"train/{curve}", f"validate/{curve}"}
    assert answers["squared"] == pytest.approx([130.0, 230.0], abs=0.5)
    assert answers["pinball"] == pytest.approx([100.0, 200.0], abs=0.5)


@pytest.mark.parametrize(("quantiles", "told"), [((0.1, 0.5), "0.1, 0.5"), ((), "a probability")])
def test_a_mean_of_boosted_trees_stands_for_nothing_but_the_median(quantiles, told, tmp_path):
    plan = plan_for("xgboost", quantiles=quantiles, loss="squared")
    with pytest.raises(FitError) as refused:
        families()["xgboost"].fit(
            within(ROWS, TRAIN), within(ROWS, VALIDATE), plan, FileRecorder(Workspace(tmp_path / "fit"))
        )
    assert str(refused.value) == f"xgboost: the loss 'squared' gives a mean for the quantile 0.5 alone, not for {told}"
