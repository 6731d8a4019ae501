"""What a scorer is asked, so that it explains itself: by hand, and beside scikit-learn and XGBoost's own sums."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from sklearn.inspection import partial_dependence
from sklearn.linear_model import LinearRegression
from tiny_events import FRAME, TEST, TRAIN, VALIDATE, plan_for, within
from tiny_events import examples as events

from pipelines.contracts.fits import Workspace
from pipelines.contracts.tasks import ByHash, Classify, Events, Promote, Rank, Share
from pipelines.engines.recorder import FileRecorder
from pipelines.metrics.explanations import dependence, permutation
from pipelines.models.base import families
from pipelines.runner.explanations import FILE, explanations
from tests import tiny_queries

ROWS = pa.table(
    {"a": [1.0, 2.0, 3.0, 4.0], "b": [5.0, 5.0, 5.0, 5.0], "l": [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0]]}
)


def test_what_a_loss_leans_on_grows_it_and_nothing_else_does():
    def loss(rows: pa.Table) -> float:
        return 1.0 + float(np.abs(rows["a"].to_numpy() - ROWS["a"].to_numpy()).sum())

    grown = permutation(ROWS, ["a", "b", "l"], loss)
    assert grown["a"] > 0.0 and (grown["b"], grown["l"]) == (0.0, 0.0)
    assert grown == permutation(ROWS, ["a", "b", "l"], loss)


def test_a_feature_takes_its_values_in_every_example():
    found = dependence(ROWS, "a", lambda rows: 10.0 * rows["a"].to_numpy() + rows["b"].to_numpy())
    assert (found.at.tolist(), found.mean.tolist()) == ([1.0, 2.0, 3.0, 4.0], [15.0, 25.0, 35.0, 45.0])


def test_a_feature_of_steps_takes_them_at_every_step():
    found = dependence(ROWS, "l", lambda rows: np.asarray(rows["l"].combine_chunks().flatten()))
    assert found.mean.tolist() == found.at.tolist() and len(found.at) > 4


def test_a_feature_that_nobody_knows_depends_on_nothing():
    rows = pa.table({"a": pa.array([None, None], pa.float64())})
    assert len(dependence(rows, "a", lambda of: np.zeros(2)).at) == 0


def test_dependence_is_that_of_scikit_learn():
    chance = np.random.default_rng(3)
    x = chance.normal(size=(200, 2))
    model = LinearRegression().fit(x, x @ [2.0, -1.0] + chance.normal(size=200))
    rows = pa.table({"a": x[:, 0], "b": x[:, 1]})
    found = dependence(rows, "a", lambda of: model.predict(np.stack([of["a"].to_numpy(), of["b"].to_numpy()], axis=1)))
    theirs = partial_dependence(model, x, [0], custom_values={0: found.at}, kind="average")["average"][0]
    assert found.mean == pytest.approx(theirs)


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    rows, found = events(), {}
    for name, params in (("xgboost", {"rounds": 40, "learning_rate": 0.2}), ("logistic", {}), ("constant", {})):
        recorder, plan = FileRecorder(Workspace(tmp_path_factory.mktemp(name))), plan_for(name, **params)
        plan = replace(plan, frame=replace(plan.frame, images=()))
        found[name] = (plan, families()[name].fit(within(rows, TRAIN), within(rows, VALIDATE), plan, recorder))
    return found


@pytest.mark.parametrize("name", ["xgboost", "logistic"])
def test_contributions_and_a_mean_add_up_to_the_log_odds(name, fits):
    scorer, rows = families()[name].scorer(fits[name][1].model), within(events(), TEST)
    told = scorer.predict(rows)["probability"].to_numpy()
    shares = scorer.contributions(rows)
    assert shares.shape == (len(rows), len(FRAME.features))
    left = np.log(told / (1.0 - told)) - shares.sum(axis=1)
    assert left == pytest.approx(np.full(len(rows), left[0]), abs=1e-4)
    distances = FRAME.features.index("distance_km__own")
    assert np.abs(shares).mean(axis=0).argmin() in (distances, FRAME.features.index("calendar__time_of_day"))


@pytest.mark.parametrize("quantiles", [(0.1, 0.5, 0.9)])
@pytest.mark.parametrize("name", ["xgboost", "linear"])
def test_contributions_of_quantiles_are_those_of_the_median(name, quantiles, tmp_path):
    rows, plan = events(), plan_for(name, quantiles=quantiles, **({"rounds": 20} if name == "xgboost" else {}))
    fit = families()[name].fit(within(rows, TRAIN), within(rows, VALIDATE), plan, FileRecorder(Workspace(tmp_path)))
    scorer, asked = families()[name].scorer(fit.model), within(rows, TEST)
    left = scorer.outputs(asked)[:, 1] - scorer.contributions(asked).sum(axis=1)
    assert left == pytest.approx(np.full(len(asked), left[0]), abs=1e-4)


def test_a_family_that_cannot_tell_says_nothing(fits):
    assert families()["constant"].scorer(fits["constant"][1].model).contributions(within(events(), TEST)) is None


IS_LATE = Classify(
    column="is_late",
    table="legs",
    spine=Events("legs", entity="leg_id"),
    views=(),
    families=("constant", "xgboost"),
    split=ByHash(Share(0.0, 0.5), Share(0.5, 0.6), Share(0.6, 0.8), Share(0.8, 1.0)),
    promote=Promote("log_loss", "constant", by=0.05),
    decide="call",
)


@pytest.mark.parametrize("name", ["xgboost", "logistic"])
def test_an_explanation_finds_what_the_labels_were_made_from(name, fits):
    plan, fit = fits[name]
    scorer = families()[name].scorer(fit.model)
    means = {name: float(place) for place, name in enumerate(FRAME.features)}
    told = explanations(IS_LATE, plan, fit, scorer, within(events(), TEST), lambda: means)
    assert set(told.figures) == {"permutation_importance", "partial_dependence", "contributions"}
    lines = [line.split(",") for line in told.documents[FILE].splitlines()]
    assert lines[0] == ["feature", "log_loss_grows_by", "mean_absolute_contribution"]
    assert {line[0]: float(line[2]) for line in lines[1:]} == means
    grown = {line[0]: float(line[1]) for line in lines[1:]}
    assert set(grown) == set(FRAME.features)
    assert min(grown["carrier__place"], grown["inbound_delay_min__as_of"]) > 0.1
    assert max(grown["distance_km__own"], grown["calendar__time_of_day"]) < 0.1


def test_examples_whose_labels_nobody_knows_explain_nothing(fits):
    plan, fit = fits["xgboost"]
    rows = within(events(), TEST)
    unknown = rows.set_column(
        rows.column_names.index("label"), "label", pa.array([[None]] * len(rows), pa.list_(pa.float64()))
    )
    told = explanations(IS_LATE, plan, fit, families()["xgboost"].scorer(fit.model), unknown, dict)
    assert (dict(told.figures), dict(told.documents)) == ({}, {})


def test_an_order_is_explained_by_what_its_ndcg_lacks(tmp_path):
    rows, plan = tiny_queries.examples(), tiny_queries.plan_for("xgboost", rounds=30, learning_rate=0.2)
    spans = [tiny_queries.within(rows, of) for of in (tiny_queries.TRAIN, tiny_queries.VALIDATE, tiny_queries.TEST)]
    fit = families()["xgboost"].fit(*spans[:2], plan, FileRecorder(Workspace(tmp_path)))
    relevance = Rank(
        column="relevance",
        table="choices",
        spine=Events("offers", entity="offer_id"),
        query="request_id",
        views=(),
        families=("in_order", "xgboost"),
        split=IS_LATE.split,
        promote=Promote("ndcg", "in_order", by=0.05),
        decide="show",
    )
    told = explanations(relevance, plan, fit, families()["xgboost"].scorer(fit.model), spans[2], dict)
    assert set(told.figures) == {"permutation_importance", "partial_dependence", "contributions"}
    lines = [line.split(",") for line in told.documents[FILE].splitlines()]
    assert lines[0] == ["feature", "ndcg_loss_grows_by", "mean_absolute_contribution"]
    grown = {line[0]: float(line[1]) for line in lines[1:]}
    assert grown["price__own"] > 1.0 > abs(grown["weight__own"])
