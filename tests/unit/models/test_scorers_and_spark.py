"""A scorer without a JVM answers what the spark.ml model that it was made of answers of the same rows, in Spark."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.ml.base import Estimator
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import functions as F
from tiny_events import TRAIN, plan_for, write_gold

from pipelines.contracts.fits import Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families
from pipelines.models.gaussian_mixture import Normal


class Engine:
    """Fits by spark_ml on two workers, and keeps every model that spark.ml fitted, with the rows it was given."""

    def __init__(self, spark, tables, folder, monkeypatch):
        self._spark, self._tables, self._folder = spark, tables, folder
        self.fitted = {}
        fit_as_it_is = Estimator.fit

        def kept(estimator, dataset, params=None):
            if estimator.hasParam("maxIter"):
                estimator.set(estimator.getParam("maxIter"), 5)  # the answers need not be good
            model = fit_as_it_is(estimator, dataset, params)
            self.fitted[type(estimator).__name__] = model, dataset
            return model

        monkeypatch.setattr(Estimator, "fit", kept)

    def scorer(self, name, quantiles=(), *, is_unlabelled=False, **params):
        """Our scorer, and the rows that the model learnt from in the order in which Spark has them."""
        plan = plan_for(name, "spark_ml", quantiles, self._tables, workers=2, **params)
        plan = replace(plan, is_unlabelled=is_unlabelled)
        result = fit(plan, Workspace(self._folder), lambda: self._spark, FileRecorder(Workspace(self._folder)))
        rows = pa.concat_tables([examples_of(plan, TRAIN, shard, 2) for shard in (0, 1)])
        if not is_unlabelled:
            rows = rows.filter(pc.is_valid(pc.list_element(rows["label"], 0)))
        return families()[name].scorer(result.model), rows, json.loads(result.model)

    def transformed(self, estimator, *columns):
        model, dataset = self.fitted[estimator]
        return model.transform(dataset).select(*columns)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


@pytest.fixture
def engine(spark, tables, tmp_path, monkeypatch):
    return Engine(spark, tables, tmp_path, monkeypatch)


def numbers(frame):
    return np.array([row[0] for row in frame.collect()], np.float64)


def test_a_linear_regression(engine):
    ours, rows, _ = engine.scorer("linear", quantiles=(0.1, 0.5, 0.9))
    labels = np.array([row[0] for row in rows["label"].to_pylist()])
    theirs = numbers(engine.transformed("LinearRegression", "predicted"))  # of the standardised label
    told = ours.predict(rows)["q50"].to_numpy()
    assert np.abs(told - (labels.mean() + labels.std() * theirs)).max() < 1e-9
    assert told.std() > 0.1


def test_a_logistic_regression(engine):
    ours, rows, _ = engine.scorer("logistic", class_weight="1=2")
    theirs = numbers(engine.transformed("LogisticRegression", vector_to_array("probability")[1]))
    told = ours.predict(rows)["probability"].to_numpy()
    assert np.abs(told - theirs).max() < 1e-9
    assert told.std() > 0.1


def test_a_support_vector_machine_and_the_curve_over_its_margins(engine):
    ours, rows, _ = engine.scorer("linear_svm")
    margin = array_to_vector(F.array(vector_to_array("rawPrediction")[1]))
    margins = engine.transformed("LinearSVC", margin.alias("design"))
    curve, _ = engine.fitted["LogisticRegression"]
    theirs = numbers(curve.transform(margins).select(vector_to_array("probability")[1]))
    told = ours.predict(rows)["probability"].to_numpy()
    assert np.abs(told - theirs).max() < 1e-9
    assert told.std() > 0.1


def test_the_centres_of_k_means(engine):
    ours, rows, _ = engine.scorer("k_means", is_unlabelled=True, clusters=5, tries=1)
    found = engine.transformed("KMeans", "design", "prediction").collect()
    assert ours.clusters(rows).tolist() == [row[1] for row in found]
    assert len({row[1] for row in found}) == 5
    centres = engine.fitted["KMeans"][0].clusterCenters()
    away = [np.linalg.norm(row[0].toArray() - centres[row[1]]) for row in found]
    assert np.diff(ours.predict(rows)["anomaly_score"].to_numpy()[np.argsort(away)]).min() > -1e-9


def test_a_mixture_of_normal_distributions(engine):
    ours, rows, content = engine.scorer("gaussian_mixture", is_unlabelled=True, components=3)
    found = engine.transformed("GaussianMixture", "design", "prediction", vector_to_array("probability")).collect()
    assert ours.clusters(rows).tolist() == [row[1] for row in found]
    assert len({row[1] for row in found}) == 3
    points = np.stack([row[0].toArray() for row in found])
    densities = np.exp([Normal(**of).log_density(points) for of in content["normals"]])
    densities += 2.0**-52  # which spark.ml adds: far from all components, all are alike to it
    assert np.abs(densities / densities.sum(axis=0) - np.array([row[2] for row in found]).T).max() < 1e-9
