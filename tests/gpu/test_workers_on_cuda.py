"""Boosted trees grown by a worker of Spark on a CUDA device."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import tiny_events
import torch
from xgboost.spark import SparkXGBRegressor

from pipelines.contracts.fits import Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is visible"),
]


def test_a_worker_learns_as_much_as_one_process(spark, tmp_path, monkeypatch):
    plan = tiny_events.plan_for("xgboost", tables=tiny_events.write_gold(tmp_path), rounds=60)
    grown, grow = [], SparkXGBRegressor.fit
    monkeypatch.setattr(SparkXGBRegressor, "fit", lambda *given: grown.append(grow(*given)) or grown[-1])
    lowest = {}
    for engine in ("single", "xgboost_spark"):
        workspace = Workspace(tmp_path / engine)
        on_cuda = replace(plan, engine=engine, device="cuda")
        result = fit(on_cuda, workspace, lambda: spark, FileRecorder(workspace))
        lowest[engine] = min(point.value for point in result.curves if point.name.startswith("validate/"))
    assert lowest["xgboost_spark"] == pytest.approx(lowest["single"], rel=0.02)
    (model,) = grown
    assert json.loads(model.get_booster().save_config())["learner"]["generic_param"]["device"].startswith("cuda")
