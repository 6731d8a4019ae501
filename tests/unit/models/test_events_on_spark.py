"""Families that are fitted where their rows lie, on events: against the single process."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import xgboost
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import functions as F
from sklearn.tree import DecisionTreeRegressor
from tiny_events import FRAME, TEST, TRAIN, VALIDATE, examples, plan_for, within

from pipelines.contracts.fits import FitError, Workspace
from pipelines.engines.recorder import FileRecorder
from pipelines.models.base import IS_VALIDATION, families
from pipelines.models.rows import LABEL, flatten, matrix
from pipelines.models.trees import filled, unsealed

ROWS = examples()
TREES = {"rounds": 60, "patience": 5, "learning_rate": 0.2}


@pytest.fixture
def recorders(tmp_path):
    """One after the other, each of a workspace of its own."""
    return (FileRecorder(Workspace(tmp_path / str(number))) for number in itertools.count())


@pytest.fixture(scope="module")
def labelled(spark):
    """What the engines give to `fit_rows`: two partitions in a fixed order, each with rows of both spans."""
    halves: list[list[tuple]] = [[], []]
    for span, is_validation in ((TRAIN, False), (VALIDATE, True)):
        flat = flatten(within(ROWS, span), FRAME).select([*FRAME.features, LABEL]).to_pylist()
        rows = [(*row.values(), is_validation) for row in flat if row[LABEL] is not None]
        halves[0] += rows[: len(rows) // 2]
        halves[1] += rows[len(rows) // 2 :]
    columns = ", ".join(f"{name} double" for name in (*FRAME.features, LABEL))
    partitioned = spark.sparkContext.parallelize(halves, 2).flatMap(lambda half: half)
    return spark.createDataFrame(partitioned, f"{columns}, {IS_VALIDATION} boolean").cache()


def alone(plan, recorders):
    return families()[plan.family].fit(within(ROWS, TRAIN), within(ROWS, VALIDATE), plan, next(recorders))


def read(*results):
    return (json.loads(result.model) for result in results)


@pytest.mark.parametrize("ridge", [1e-4, 1e-1])
def test_spark_ml_finds_the_log_odds_of_the_single_process(labelled, recorders, ridge):
    by_spark = families()["logistic"].fit_rows(labelled, plan_for("logistic", "spark_ml", ridge=ridge), next(recorders))
    models = read(by_spark, alone(plan_for("logistic", ridge=ridge), recorders))
    (there,), (here,) = (model["sums"] for model in models)
    assert [(t["feature"], t["value"]) for t in there["terms"]] == [(t["feature"], t["value"]) for t in here["terms"]]
    for part in ("coefficient", "mean", "deviation"):
        assert [t[part] for t in there["terms"]] == pytest.approx([t[part] for t in here["terms"]], abs=1e-4)
    assert there["intercept"] == pytest.approx(here["intercept"], abs=1e-4)


def test_spark_ml_estimates_as_the_single_process(labelled, recorders):
    quantiles = (0.1, 0.5, 0.9)
    by_spark = families()["linear"].fit_rows(labelled, plan_for("linear", "spark_ml", quantiles), next(recorders))
    there, here = read(by_spark, alone(plan_for("linear", quantiles=quantiles), recorders))
    coefficients = [[term["coefficient"] for term in model["terms"]] for model in (there, here)]
    assert coefficients[0] == pytest.approx(coefficients[1], abs=1e-6)
    assert there["shifts"] == pytest.approx(here["shifts"], abs=1e-6)


def test_xgboost_on_two_workers_twice_the_same_and_scored_as_its_booster_predicts(labelled, recorders):
    plan = plan_for("xgboost", "xgboost_spark", workers=2, **TREES)
    recorder = next(recorders)
    first, second = (families()["xgboost"].fit_rows(labelled, plan, of) for of in (recorder, next(recorders)))
    assert first.model == second.model
    validated = [point.value for point in recorder.points() if point.name == "validate/logloss"]
    assert validated[first.best_step] == min(validated) < 0.5

    booster = xgboost.Booster(model_file=bytearray(first.model))
    assert booster.num_boosted_rounds() == first.best_step + 1
    asked = within(ROWS, TEST)
    rows = xgboost.DMatrix(matrix(asked, FRAME.features, 1), feature_names=list(FRAME.features))
    scored, here = (
        families()["xgboost"].scorer(model).predict(asked)["probability"].to_numpy()
        for model in (first.model, alone(plan_for("xgboost", **TREES), recorders).model)
    )
    assert (scored == booster.predict(rows).astype(np.float64)).all()
    assert np.abs(scored - here).mean() < 0.05


FOREST = {"trees": 8, "max_depth": 6, "features_share": 0.8}


@pytest.mark.parametrize(("name", "params"), [("decision_tree", {}), ("random_forest", FOREST)])
def test_trees_of_spark_answer_without_it_what_they_answer_in_it(labelled, recorders, name, params):
    of, plan = families()[name], plan_for(name, "spark_ml", **params)
    first, second = (of.fit_rows(labelled, plan, next(recorders)) for _ in range(2))
    assert first.model == second.model
    trees = unsealed(first.model)[0]
    columns = [
        F.coalesce(F.col(feature), F.lit(float(mean))).cast("float").cast("double").alias(f"_{j}")
        for j, (feature, mean) in enumerate(zip(FRAME.features, trees.fill, strict=True))
    ]
    rows = labelled.where(~F.col(IS_VALIDATION)).select(*columns, *FRAME.features, LABEL)
    design = VectorAssembler(inputCols=rows.columns[: len(columns)], outputCol="design").transform(rows)
    model = of.grown_in_spark(of.settled(plan.params), plan).setFeaturesCol("design").setLabelCol(LABEL).fit(design)
    by_spark = model.transform(design).select("prediction", *FRAME.features).toPandas()
    ours = trees.means(by_spark[list(FRAME.features)].to_numpy(np.float64))
    assert np.abs(ours[:, 0] - by_spark["prediction"].to_numpy()).max() < 1e-12
    scored = of.scorer(first.model).predict(within(ROWS, TEST))["probability"].to_numpy()
    here = (
        of.scorer(alone(plan_for(name, **params), recorders).model)
        .predict(within(ROWS, TEST))["probability"]
        .to_numpy()
    )
    assert len(np.unique(scored)) > 10
    assert np.abs(scored - here).mean() < 0.08  # few trees, each of other rows


def test_one_tree_is_the_same_in_both_engines_where_features_have_few_values(labelled, recorders):
    few = [F.when(F.col(name).isNotNull(), F.round(F.col(name) % 40.0)).alias(name) for name in FRAME.features]
    rows = labelled.select(*few, LABEL, IS_VALIDATION)
    params = {"max_depth": 3, "class_weight": "1=2"}  # deeper, two splits may be equally good
    by_spark = families()["decision_tree"].fit_rows(
        rows, plan_for("decision_tree", "spark_ml", **params), next(recorders)
    )
    there = unsealed(by_spark.model)[0]
    values = rows.where(~F.col(IS_VALIDATION)).toPandas()[[*FRAME.features, LABEL]].to_numpy(np.float64)
    weights = np.where(values[:, -1] == 1.0, 2.0, 1.0)
    seen = filled(values[:, :-1], there.fill)
    here = DecisionTreeRegressor(max_depth=3, min_samples_leaf=20, random_state=0).fit(
        seen, values[:, -1], sample_weight=weights
    )
    assert there.means(values[:, :-1])[:, 0] == pytest.approx(here.predict(seen), abs=1e-9)


def test_quantiles_of_a_forest_are_means_of_its_leaves_quantiles(labelled, recorders):
    quantiles = (0.1, 0.5, 0.9)
    rows = labelled.withColumn(LABEL, F.coalesce("inbound_delay_min__as_of", F.lit(0.0)) + 30.0 * F.col(LABEL))
    plan = plan_for("random_forest", "spark_ml", quantiles, **FOREST)
    trees = unsealed(families()["random_forest"].fit_rows(rows, plan, next(recorders)).model)[0]
    train = rows.where(~F.col(IS_VALIDATION)).toPandas()[[*FRAME.features, LABEL]].to_numpy(np.float64)
    leaves = trees.leaves(filled(train[:, :-1], trees.fill))
    for of_tree in leaves.T:
        for leaf in np.unique(of_tree):
            expected = np.quantile(train[of_tree == leaf, -1], quantiles)
            assert trees.value[leaf] == pytest.approx(expected, abs=1e-9)
    assert trees.means(train[:3, :-1]) == pytest.approx(trees.value[leaves[:3]].mean(axis=1))


@pytest.mark.parametrize(("name", "apart"), [("logistic", 1e-5), ("xgboost", 0.1)])
def test_classes_count_as_much_in_both_engines(name, apart, labelled, recorders):
    params = {"class_weight": "balanced"} | ({"rounds": 20, "subsample": 1.0} if name == "xgboost" else {})
    family = families()[name]
    by_spark = family.fit_rows(labelled, plan_for(name, family.engines[0], **params), next(recorders))
    scored, here = (
        family.scorer(model).predict(within(ROWS, TEST))["probability"].to_numpy()
        for model in (by_spark.model, alone(plan_for(name, **params), recorders).model)
    )
    assert np.abs(scored - here).max() < apart


@pytest.mark.slow
def test_a_support_vector_machine_is_nearly_the_same_in_both_engines(labelled, recorders):
    params = {"ridge": 1e-2, "class_weight": "1=2"}
    by_spark = families()["linear_svm"].fit_rows(
        labelled, plan_for("linear_svm", "spark_ml", **params), next(recorders)
    )
    scored, here = (
        families()["linear_svm"].scorer(model).predict(within(ROWS, TEST))["probability"].to_numpy()
        for model in (by_spark.model, alone(plan_for("linear_svm", **params), recorders).model)
    )
    assert np.abs(scored - here).max() < 0.03


def test_spark_has_no_support_vector_machine_for_numbers(labelled, recorders):
    plan = plan_for("linear_svm", "spark_ml", (0.1, 0.5, 0.9))
    with pytest.raises(FitError, match=r"set training\.engines\.linear_svm to single, or take the family linear"):
        families()["linear_svm"].fit_rows(labelled, plan, next(recorders))


@pytest.mark.parametrize(
    ("family", "engine"),
    [
        ("decision_tree", "spark_ml"),
        ("linear_svm", "spark_ml"),
        ("logistic", "spark_ml"),
        ("xgboost", "xgboost_spark"),
    ],
)
def test_labels_that_cannot_be_learnt_from_are_named(labelled, recorders, family, engine):
    plan, of = plan_for(family, engine), families()[family]
    with pytest.raises(FitError, match=f"^{family} by {engine}: no row of the train span has a label$"):
        of.fit_rows(labelled.where(IS_VALIDATION), plan, next(recorders))
    with pytest.raises(FitError, match=rf"^{family} by {engine}: 'is_late' must be 0 or 1 .*, found 3; "):
        of.fit_rows(labelled.withColumn(LABEL, F.col(LABEL) * 3), plan, next(recorders))
