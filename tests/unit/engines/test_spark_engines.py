"""The engines that fit inside Spark, against the single process and the scorers."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace

import numpy as np
import psutil
import pytest
import xgboost
from tiny_gold import plan_for, write_gold

from pipelines.contracts.cards import sha256
from pipelines.contracts.fits import FitError, WarmStart, Workspace
from pipelines.engines import fit
from pipelines.engines.predictions import Model, mean_contributions
from pipelines.engines.recorder import CHECKPOINT, FileRecorder
from pipelines.engines.shards import examples_of, shard_hash
from pipelines.engines.workers import told_as_fit_error
from pipelines.models.base import families
from pipelines.models.rows import matrix


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


def attempt(spark, plan, folder):
    return fit(plan, Workspace(folder), lambda: spark, FileRecorder(Workspace(folder)))


def test_xgboost_on_two_workers_twice_the_same_and_scored_as_its_booster_predicts(spark, tables, tmp_path):
    plan = plan_for("xgboost", tables, engine="xgboost_spark", workers=2, rounds=40, patience=5)
    first, second = attempt(spark, plan, tmp_path / "a"), attempt(spark, plan, tmp_path / "b")
    assert first.model == second.model
    assert [(worker.rank, worker.rows) for worker in first.workers] == [(0, 20), (1, 20)]
    halves = [examples_of(plan, plan.train, shard, 2) for shard in (0, 1)]
    assert [worker.shard_hash for worker in first.workers] == [shard_hash(half, "region_id") for half in halves]
    validated = [point.value for point in first.curves if point.name == "validate/pinball"]
    assert validated[first.best_step] == min(validated)

    booster = xgboost.Booster(model_file=bytearray(first.model))
    assert booster.num_boosted_rounds() == first.best_step + 1
    examples = examples_of(plan, plan.validate)
    rows = xgboost.DMatrix(matrix(examples, plan.frame.features, 12), feature_names=list(plan.frame.features))
    predicted = families()["xgboost"].scorer(first.model).predict(examples)
    scored = np.stack([predicted[q].to_numpy() for q in ("q10", "q50", "q90")], axis=1)
    assert (scored == np.sort(booster.predict(rows).astype(np.float64), axis=1)).all()

    told = mean_contributions(spark, Model("xgboost", first.model), plan, plan.validate)
    # of (rows, quantiles, features and the mean) those of the median; the workers each knew a part of the rows
    shares = booster.predict(rows, pred_contribs=True)[:, 1, :-1]
    assert told == pytest.approx(dict(zip(plan.frame.features, np.abs(shares).mean(axis=0), strict=True)), rel=1e-5)
    seasonal = plan_for("seasonal_naive", tables)
    naive = Model("seasonal_naive", attempt(spark, seasonal, tmp_path / "c").model)
    assert mean_contributions(spark, naive, seasonal, seasonal.validate) is None


@pytest.mark.slow  # make faults kills workers too
def test_xgboost_whose_workers_are_killed_goes_on_and_ends_with_the_same_bytes(spark, tables, tmp_path):
    params = {"rounds": 600, "patience": 600, "segment": 10, "learning_rate": 0.01}
    plan = plan_for("xgboost", tables, engine="xgboost_spark", workers=2, **params)
    undisturbed = attempt(spark, plan, tmp_path / "a")
    struck = threading.Event()

    def kill() -> None:
        while not (tmp_path / "b" / CHECKPOINT).exists():
            time.sleep(0.005)
        for process in python_workers():
            process.kill()
        struck.set()

    threading.Thread(target=kill, daemon=True).start()
    resumed = attempt(spark, plan, tmp_path / "b")
    assert struck.is_set()
    assert (resumed.model, resumed.curves) == (undisturbed.model, undisturbed.curves)
    assert len(resumed.curves) == 1200


def python_workers():
    """Those of Spark below this process: the children of its daemon."""
    living = [one for one in psutil.Process().children(recursive=True) if one.status() != psutil.STATUS_ZOMBIE]
    return [one for one in living if "pyspark.daemon" in one.cmdline() and not one.children()]


def test_boosting_on_spark_goes_on_from_a_registered_model(spark, tables, tmp_path):
    """Whichever engine made it."""
    cold = plan_for("xgboost", tables, rounds=10, learning_rate=0.1)
    begun = attempt(spark, cold, tmp_path / "cold")
    (tmp_path / "model").write_bytes(begun.model)
    start = WarmStart("tiny", 1, sha256(begun.model), (cold.train,), "m-1", str(tmp_path / "model"))
    params = {"rounds": 10, "learning_rate": 0.1, "start_from": "models:/tiny/1"}
    plan = plan_for("xgboost", tables, engine="xgboost_spark", workers=2, **params)
    onward = attempt(spark, replace(plan, warm_start=start), tmp_path / "onward")
    booster = xgboost.Booster(model_file=bytearray(onward.model))
    assert booster.num_boosted_rounds() == 10 + onward.best_step + 1
    before, after = ([p.value for p in of.curves if p.name == "validate/pinball"] for of in (begun, onward))
    assert len(after) == 10
    assert max(after) < min(before)


def test_what_fails_on_a_worker_is_told_in_its_own_words(spark, tables):
    def broken(part):
        raise KeyError("values")

    plan = plan_for("xgboost", tables, engine="xgboost_spark", workers=2)
    ways = [
        lambda: spark.range(1).rdd.mapPartitions(broken).collect(),
        lambda: spark.range(1).mapInArrow(broken, "id long").collect(),
    ]
    for way in ways:
        with pytest.raises(FitError) as failed, told_as_fit_error(plan):
            way()
        assert str(failed.value) == (
            "xgboost by xgboost_spark: a worker failed: KeyError: 'values'. Its trace is in Spark's log"
        )


def test_what_fails_in_the_driver_s_jvm_is_told_in_its_own_words(spark, tables):
    plan = plan_for("linear", tables, engine="spark_ml", workers=2)
    with pytest.raises(FitError) as failed, told_as_fit_error(plan):
        spark._jvm.java.util.ArrayList().get(3)
    what = "java.lang.IndexOutOfBoundsException: Index 3 out of bounds for length 0"
    assert str(failed.value) == f"linear by spark_ml: Spark failed: {what}"


def test_small_arrow_batches_some_without_a_row_of_the_validate_span_change_nothing(spark, tables, tmp_path):
    plan = plan_for("xgboost", tables, engine="xgboost_spark", workers=2, rounds=5)
    size = "spark.sql.execution.arrow.maxRecordsPerBatch"
    usual = attempt(spark, plan, tmp_path / "a").model
    held = spark.conf.get(size)
    spark.conf.set(size, "20")
    try:
        assert attempt(spark, plan, tmp_path / "b").model == usual
    finally:
        spark.conf.set(size, held)


def test_spark_ml_finds_the_coefficients_of_the_single_process(spark, tables, tmp_path):
    by_spark = attempt(spark, plan_for("linear", tables, engine="spark_ml", workers=2), tmp_path / "a")
    alone = attempt(spark, plan_for("linear", tables), tmp_path / "b")
    there, here = json.loads(by_spark.model), json.loads(alone.model)
    assert [(t["feature"], t["value"]) for t in there["terms"]] == [(t["feature"], t["value"]) for t in here["terms"]]
    for part in ("coefficient", "mean", "deviation"):
        assert [t[part] for t in there["terms"]] == pytest.approx([t[part] for t in here["terms"]], abs=1e-6)
    assert there["intercept"] == pytest.approx(here["intercept"], abs=1e-6)
    assert there["shifts"] == pytest.approx(here["shifts"], abs=1e-6)
    assert sum(worker.rows for worker in by_spark.workers) == alone.workers[0].rows == 40
