"""What holds for every family that finds odd events without looking at a label."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from tiny_events import TEST, TRAIN, VALIDATE, WITH_LAGS, examples, within, write_gold
from tiny_events import plan_for as events_plan

from pipelines.contracts.fits import FitError, Workspace
from pipelines.contracts.tasks import Detect, Span
from pipelines.engines import fit
from pipelines.engines.predictions import Model, predictions
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.metrics.clusters import adjusted_rand
from pipelines.metrics.ranking import auc
from pipelines.models.base import ClusterScorer, families

SMALL = {
    "isolation_forest": {"trees": 100},
    "k_means": {"tries": 2},
    "autoencoder": {"hidden": 16, "code": 1, "batch": 64, "epochs": 8},
}
FRAMES = {"state_space": WITH_LAGS}
FAMILIES = [name for name, of in families().items() if Detect in of.tasks]
LEARN = [name for name in FAMILIES if name != "constant"]
EVERY = 20
"""Each so-manieth event of the test is odd."""


def plan_for(name, tables=None, engine="single", workers=1, **params):
    plan = events_plan(name, engine, tables=tables, workers=workers, **SMALL.get(name, {}), **params)
    return replace(plan, is_unlabelled=True, frame=FRAMES.get(name, plan.frame))


def planted():
    """The events of the test; in the odd ones two numbers do not go with one another or with any seen before, and the
    heat is not what it was made to be in the hours before."""
    rows = within(examples(), TEST)
    is_odd = np.arange(len(rows)) % EVERY == 0
    inbound = rows["inbound_delay_min__as_of"].to_numpy().copy()
    distance = rows["distance_km__own"].to_numpy().copy()
    inbound[is_odd], distance[is_odd] = 90.0, 1e-3
    heat = rows["heat_c__lag_0h"].to_numpy() - 2.0 * is_odd
    columns = {"inbound_delay_min__as_of": inbound, "distance_km__own": distance, "heat_c__lag_0h": heat}
    for name, values in columns.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(values, from_pandas=True))
    return rows, is_odd.astype(np.float64)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


def fitted(plan, folder, spark=None):
    return fit(plan, Workspace(folder), spark, FileRecorder(Workspace(folder)))


@pytest.fixture(scope="module")
def fits(tables, tmp_path_factory):
    return {name: fitted(plan_for(name, tables), tmp_path_factory.mktemp(name)) for name in FAMILIES}


def scores(name, result, rows):
    predicted = families()[name].scorer(result.model).predict(rows)
    assert predicted.column_names[-1] == "anomaly_score"
    return predicted["anomaly_score"].to_numpy()


@pytest.mark.parametrize("name", LEARN)
def test_what_was_planted_stands_above_the_rest(name, fits):
    rows, is_odd = planted()
    found = scores(name, fits[name], rows)
    assert ((found > 0.0) & (found < 1.0)).all()
    assert auc(is_odd, found) > 0.9


@pytest.mark.parametrize("name", LEARN)
def test_a_score_is_the_part_of_the_training_rows_that_are_less_odd(name, fits):
    found = scores(name, fits[name], within(examples(), TRAIN))
    assert np.quantile(found, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.01)


@pytest.mark.parametrize("name", FAMILIES)
def test_no_label_is_looked_at(name, tmp_path):
    rows = examples()
    without = rows.set_column(
        rows.schema.get_field_index("label"), "label", pa.array([[None]] * len(rows), pa.list_(pa.float64()))
    )
    family, plan = families()[name], plan_for(name)
    models = [
        family.fit(within(of, TRAIN), within(of, VALIDATE), plan, FileRecorder(Workspace(tmp_path / label))).model
        for label, of in (("with", rows), ("without", without))
    ]
    assert models[0] == models[1]


@pytest.mark.parametrize("name", FAMILIES)
def test_a_row_scored_alone_equals_itself_in_a_batch(name, fits):
    rows, _ = planted()
    batch = scores(name, fits[name], rows)
    assert [scores(name, fits[name], rows.slice(i, 1))[0] for i in (0, 17, 301)] == [batch[i] for i in (0, 17, 301)]


@pytest.mark.parametrize("name", ["isolation_forest", "k_means", "gaussian_mixture"])
def test_on_spark_the_same_events_are_odd(name, fits, tables, tmp_path, spark):
    result = fitted(plan_for(name, tables, "spark_ml", workers=2), tmp_path, lambda: spark)
    rows, is_odd = planted()
    assert auc(is_odd, scores(name, result, rows)) > 0.9
    train = scores(name, result, within(examples(), TRAIN))
    assert np.quantile(train, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.02)


def test_a_forests_measure_is_that_of_scikit_learn():
    from sklearn.ensemble import IsolationForest

    from pipelines.models.isolation_forest import IsolationForest as Ours
    from pipelines.models.isolation_forest import _oddity
    from pipelines.models.rows import matrix
    from pipelines.models.trees import filled, unsealed

    plan = plan_for("isolation_forest")
    rows = within(examples(), TRAIN)
    trees, content = unsealed(Ours().fit(rows, rows, plan, None).model)
    values = matrix(rows, plan.frame.features, 1)
    forest = IsolationForest(n_estimators=100, max_samples=256, random_state=plan.seed).fit(filled(values, trees.fill))
    theirs = -forest.score_samples(filled(values, trees.fill))
    assert _oddity(trees, content["sample"], values) == pytest.approx(theirs, abs=1e-12)


def test_a_mixtures_measure_is_that_of_scikit_learn():
    from sklearn.mixture import GaussianMixture

    from pipelines.models.gaussian_mixture import Normal, _oddity

    points = np.random.default_rng(3).normal(size=(500, 3)) @ np.array(
        [[1.0, 0.4, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 1.0]]
    )
    found = GaussianMixture(3, random_state=1).fit(points)
    normals = [Normal.of(*each) for each in zip(found.weights_, found.means_, found.covariances_, strict=True)]
    assert _oddity(points, normals) == pytest.approx(-found.score_samples(points), abs=1e-9)


def test_a_direction_without_variance_counts_for_nothing():
    from pipelines.models.gaussian_mixture import Normal

    flat = Normal.of(1.0, np.zeros(2), np.array([[4.0, 0.0], [0.0, 0.0]]))
    assert flat.log_density(np.array([[2.0, 0.0], [2.0, 99.0]])).tolist() == pytest.approx(
        [-np.log(2 * np.pi) - 0.5 * np.log(4.0) - 0.5] * 2
    )


@pytest.mark.parametrize("name", LEARN)
def test_a_span_without_a_row_is_named(name, tables, tmp_path):
    from tiny_events import hour

    plan = replace(plan_for(name, tables), train=Span(hour(90_000), hour(90_001)))
    with pytest.raises(FitError, match=f"^{name} by single: the train span has no row$"):
        fitted(plan, tmp_path)


def test_a_family_that_learns_from_labels_cannot_be_asked(tables, tmp_path):
    with pytest.raises(FitError, match=r"^logistic answers Classify tasks, 'is_late' is of the kind Detect$"):
        fitted(plan_for("logistic", tables), tmp_path)


@pytest.mark.parametrize("name", ["k_means", "gaussian_mixture"])
def test_clusters_are_those_of_the_parts_that_the_rows_were_made_of(name, tmp_path):
    """Two clouds of events, far apart; the label, which no fit sees, says which one an event is of."""
    random = np.random.default_rng(1)
    rows, part = within(examples(), TRAIN), np.arange(len(within(examples(), TRAIN))) % 2
    for feature in plan_for(name).frame.features:
        values = 10.0 * part + random.normal(size=len(rows))
        rows = rows.set_column(rows.schema.get_field_index(feature), feature, pa.array(values))
    count = {"k_means": {"clusters": 2}, "gaussian_mixture": {"components": 2}}[name]
    plan = plan_for(name, **count)
    plan = replace(plan, frame=replace(plan.frame, categories=()))
    of = families()[name].scorer(families()[name].fit(rows, rows, plan, FileRecorder(Workspace(tmp_path))).model)
    assert isinstance(of, ClusterScorer)
    assert adjusted_rand(part.astype(np.float64), of.clusters(rows).astype(np.float64)) == 1.0
    assert of.clusters(rows.slice(5, 1))[0] == of.clusters(rows)[5]


def test_only_models_of_clusters_tell_clusters(fits):
    told = {name for name, result in fits.items() if isinstance(families()[name].scorer(result.model), ClusterScorer)}
    assert told == {"k_means", "gaussian_mixture"}


def test_predictions_on_spark_bring_the_cluster_along(fits, tables, spark):
    plan = plan_for("k_means", tables)
    model = Model("k_means", fits["k_means"].model)
    found = predictions(spark, model, plan, {"test": TEST}).toArrow().sort_by("leg_id")
    asked = examples_of(plan, TEST)
    assert found["cluster"].to_pylist() == families()["k_means"].scorer(model.content).clusters(asked).tolist()
    assert "cluster" not in predictions(spark, Model("constant", fits["constant"].model), plan, {"test": TEST}).columns
