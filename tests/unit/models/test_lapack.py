"""The LAPACK that spark.ml has in Java is called once, alone, before tasks call it side by side."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from pyspark.ml.base import Estimator
from tiny_events import plan_for, write_gold

from pipelines.contracts.fits import Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.models.lapack import begin_lapack


@pytest.fixture
def is_first(spark):
    """Whether the next call is the first, to all appearances: as in a JVM that has just started."""
    flag = spark._jvm.java.lang.Class.forName("org.netlib.lapack.Dlamch").getField("first")
    flag.setBoolean(None, True)
    return lambda: flag.getBoolean(None)


def test_before_a_mixture_is_fitted_the_first_call_is_over(spark, is_first, tmp_path, monkeypatch):
    begun, fit_as_it_is = [], Estimator.fit
    monkeypatch.setattr(Estimator, "fit", lambda *given: begun.append(is_first()) or fit_as_it_is(*given))
    plan = plan_for("gaussian_mixture", "spark_ml", (), write_gold(tmp_path), workers=2, components=2, rounds=2)
    workspace = Workspace(tmp_path)
    fit(replace(plan, is_unlabelled=True), workspace, lambda: spark, FileRecorder(workspace))
    assert begun == [False]


def test_on_a_cluster_tasks_make_it(spark, is_first):
    assert is_first()
    begin_lapack(
        SimpleNamespace(
            sparkContext=SimpleNamespace(master="spark://there:7077", defaultParallelism=2), range=spark.range
        )
    )
    assert not is_first()
