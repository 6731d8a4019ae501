"""Families that are fitted where their rows lie, on events: against the single process."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
import xgboost
from pyspark.sql import functions as F
from tiny_events import FRAME, TEST, TRAIN, VALIDATE, examples, plan_for, within

from pipelines.contracts.fits import FitError, Workspace
from pipelines.engines.recorder import FileRecorder
from pipelines.models.base import IS_VALIDATION, families
from pipelines.models.rows import LABEL, flatten, matrix

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
    there, here = read(by_spark, alone(plan_for("logistic", ridge=ridge), recorders))
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


@pytest.mark.parametrize(("family", "engine"), [("logistic", "spark_ml"), ("xgboost", "xgboost_spark")])
def test_labels_that_cannot_be_learnt_from_are_named(labelled, recorders, family, engine):
    plan, of = plan_for(family, engine), families()[family]
    with pytest.raises(FitError, match=f"^{family} by {engine}: no row of the train span has a label$"):
        of.fit_rows(labelled.where(IS_VALIDATION), plan, next(recorders))
    with pytest.raises(FitError, match=rf"^{family} by {engine}: 'is_late' must be 0 or 1 .*, found 3; "):
        of.fit_rows(labelled.withColumn(LABEL, F.col(LABEL) * 3), plan, next(recorders))
