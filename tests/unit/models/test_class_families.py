"""What holds for every family that tells several classes apart, in one process and on Spark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from tiny_events import TEST, TRAIN, examples, within, write_gold
from tiny_events import plan_for as events_plan

from pipelines.contracts.fits import FitError, Workspace
from pipelines.contracts.tasks import Classify
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.models.base import families
from pipelines.models.constant import Constant

NAMES = ("on_time", "late", "lost")
IMAGES = {"hidden": 8, "blocks": 2, "epochs": 6, "batch": 64, "moves": 0.0, "turns": 0.0, "scales": 0.0}
SMALL = {
    "xgboost": {"rounds": 30, "learning_rate": 0.2},
    "mlp": {"epochs": 20, "batch": 64, "hidden": 16},
    "image_cnn": IMAGES,
    "random_forest": {"trees": 20, "features_share": 0.8},
}
TELL = [name for name, of in families().items() if Classify in of.tasks and of.tells_classes]
LEARN = [name for name in TELL if name != "constant"]


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Legs of carrier 2 are late, those that came in very late are lost; the label is the place of the class."""
    folder = tmp_path_factory.mktemp("classes")
    shards = write_gold(folder)
    rows = examples()
    inbound = np.nan_to_num(rows["inbound_delay_min__as_of"].to_numpy())
    place = np.where(inbound > 15.0, 2.0, np.where(rows["carrier__place"].to_numpy() == 2.0, 1.0, 0.0))
    outcomes = pa.parquet.read_table(folder / "gold.tiny_outcomes.parquet")
    of = dict(zip(rows["leg_id"].to_pylist(), place.tolist(), strict=True))
    labels = pa.array([of[leg] for leg in outcomes["leg_id"].to_pylist()])
    where = outcomes.schema.get_field_index("is_late")
    pa.parquet.write_table(outcomes.set_column(where, "is_late", labels), folder / "gold.tiny_outcomes.parquet")
    return shards


def plan_for(name, tables, engine="single", workers=1):
    plan = events_plan(name, engine, tables=tables, workers=workers, **SMALL.get(name, {}))
    return replace(plan, classes=NAMES)


def fitted(plan, folder, spark=None):
    return fit(plan, Workspace(folder), spark, FileRecorder(Workspace(folder)))


@pytest.fixture(scope="module")
def fits(tables, tmp_path_factory):
    return {name: fitted(plan_for(name, tables), tmp_path_factory.mktemp(name)) for name in TELL}


def probabilities(name, result, rows):
    predicted = families()[name].scorer(result.model).predict(rows)
    assert predicted.column_names[-3:] == [f"probability_{of}" for of in NAMES]
    return np.stack([predicted[f"probability_{of}"].to_numpy() for of in NAMES], axis=1)


def truth(tables, rows):
    outcomes = pa.parquet.read_table(tables["gold.tiny_outcomes"].files[0])
    of = dict(zip(outcomes["leg_id"].to_pylist(), outcomes["is_late"].to_pylist(), strict=True))
    return np.array([of.get(leg, np.nan) for leg in rows["leg_id"].to_pylist()])


@pytest.mark.parametrize("name", TELL)
def test_probabilities_of_all_classes_sum_to_one(name, fits):
    given = probabilities(name, fits[name], within(examples(), TEST))
    assert ((given >= 0.0) & (given <= 1.0)).all()
    assert given.sum(axis=1) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", LEARN)
def test_a_family_learns_to_name_the_class(name, fits, tables):
    rows = within(examples(), TEST)
    actual = truth(tables, rows)
    named = probabilities(name, fits[name], rows).argmax(axis=1)
    known = ~np.isnan(actual)
    assert (named == actual)[known].mean() > 0.9


def test_the_baseline_gives_the_shares_of_the_train_span(fits, tables):
    train = truth(tables, within(examples(), TRAIN))
    shares = [(train == place).sum() / (~np.isnan(train)).sum() for place in range(3)]
    assert probabilities("constant", fits["constant"], examples().slice(0, 1))[0].tolist() == pytest.approx(shares)


@pytest.mark.parametrize("name", TELL)
def test_the_same_plan_gives_the_same_bytes(name, fits, tables, tmp_path):
    assert fitted(plan_for(name, tables), tmp_path).model == fits[name].model


@pytest.mark.parametrize("name", TELL)
def test_a_row_scored_alone_equals_itself_in_a_batch(name, fits):
    scorer, rows = families()[name].scorer(fits[name].model), within(examples(), TEST)
    batch = scorer.predict(rows).to_pylist()
    assert [scorer.predict(rows.slice(i, 1)).to_pylist()[0] for i in (0, 17, 301)] == [batch[i] for i in (0, 17, 301)]


@pytest.mark.parametrize(
    "name", ["logistic", "xgboost", "decision_tree", pytest.param("linear_svm", marks=pytest.mark.slow)]
)
def test_on_spark_it_is_the_same_question(name, fits, tables, tmp_path, spark):
    engine = families()[name].engines[0]
    result = fitted(plan_for(name, tables, engine, workers=2), tmp_path, lambda: spark)
    rows = within(examples(), TEST)
    apart = np.abs(probabilities(name, result, rows) - probabilities(name, fits[name], rows))
    farthest = {"logistic": 1e-5, "decision_tree": 1.0}  # a tree's thresholds lie elsewhere, and its leaves are sure
    assert apart.max() <= farthest.get(name, 0.2)
    assert apart.mean() < 0.01


def test_a_family_of_two_answers_refuses_more(tables, tmp_path, monkeypatch):
    monkeypatch.setattr(Constant, "tells_classes", False)
    with pytest.raises(FitError, match=r"constant tells 0 from 1, 'is_late' asks for 3 classes"):
        fitted(plan_for("constant", tables), tmp_path)


@pytest.mark.parametrize("name", TELL)
def test_a_value_that_is_no_class_is_named(name, tables, tmp_path):
    plan = replace(plan_for(name, tables), classes=NAMES[:2])
    with pytest.raises(FitError, match=r"'is_late' is none of the task's classes: on_time, late\. Declare it"):
        fitted(plan, tmp_path)


def test_a_class_that_training_never_saw_has_no_probability(tables, tmp_path):
    plan = replace(plan_for("logistic", tables), classes=(*NAMES, "stolen"))
    result = fitted(plan, tmp_path)
    predicted = families()["logistic"].scorer(result.model).predict(within(examples(), TEST))
    assert set(predicted["probability_stolen"].to_pylist()) == {0.0}
