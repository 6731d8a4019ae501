"""An order learnt where its rows lie: whole queries a partition, twice the same bytes, nearly as by one process."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import functions as F

from pipelines.contracts.fits import FitError, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.spark_rows import labelled_rows
from pipelines.models.base import IS_VALIDATION, families
from pipelines.models.query_groups import QUERY
from tests.tiny_queries import FRAME, TEST, TRAIN, VALIDATE, examples, plan_for, within, write_gold

TREES = {"rounds": 12, "learning_rate": 0.3}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


def test_each_worker_has_whole_queries_that_teach_in_a_rising_order(spark, tables, tmp_path):
    plan = plan_for("xgboost", "xgboost_spark", tables, workers=2)
    rows = labelled_rows(plan, Workspace(tmp_path), spark).withColumn("worker", F.spark_partition_id())
    assert rows.columns == [*FRAME.features, "label", IS_VALIDATION, QUERY, "worker"]
    found = rows.toPandas()
    assert not found["label"].isna().any() and set(found["worker"]) == {0, 1}
    of_query = found.groupby(["worker", QUERY])
    assert (of_query["label"].max() > 0).all() and of_query.size().max() <= 6
    assert (of_query[IS_VALIDATION].nunique() == 1).all()
    assert found.groupby("worker")[QUERY].is_monotonic_increasing.all()
    asked = pa.concat_tables([within(examples(), span) for span in (TRAIN, VALIDATE)])
    wanted = asked.filter(pc.greater(pc.list_element(asked["label"], 0), 0.0))["request_id"]
    assert len(of_query) == len(wanted.unique()) > 100


def test_two_workers_learn_the_same_twice_and_nearly_what_one_process_does(spark, tables, tmp_path):
    recorders = [FileRecorder(Workspace(tmp_path / str(number))) for number in range(3)]
    by_two = plan_for("xgboost", "xgboost_spark", tables, workers=2, **TREES)
    first, second = (fit(by_two, Workspace(tmp_path / str(n)), lambda: spark, recorders[n]) for n in (0, 1))
    assert first.model == second.model
    validate = [point.value for point in first.curves if point.name == "validate/ndcg"]
    assert validate[first.best_step] == max(validate) > 0.9
    alone = fit(plan_for("xgboost", "single", tables, **TREES), Workspace(tmp_path / "2"), None, recorders[2])
    asked = within(examples(), TEST)
    scores = [families()["xgboost"].scorer(of.model).predict(asked)["score"].to_numpy() for of in (first, alone)]
    assert np.corrcoef(*scores)[0, 1] > 0.95


def test_labels_that_cannot_be_learnt_from_are_named(spark, tables, tmp_path):
    plan = plan_for("xgboost", "xgboost_spark", tables, workers=2)
    rows, recorder = labelled_rows(plan, Workspace(tmp_path), spark), FileRecorder(Workspace(tmp_path))
    with pytest.raises(FitError, match=r"^xgboost by xgboost_spark: no query of the train span has a relevant row$"):
        families()["xgboost"].fit_rows(rows.where(IS_VALIDATION), plan, recorder)
    with pytest.raises(FitError, match=r"'relevance' says how relevant a row is, .*; found 1.5"):
        families()["xgboost"].fit_rows(rows.withColumn("label", F.col("label") * 0.75), plan, recorder)
