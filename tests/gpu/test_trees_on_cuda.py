"""Boosted trees grown on a CUDA device: as good as the CPU's, the same every time, and read where there is no device.

Needs neither Spark nor MLflow: pytest --noconftest tests/gpu --ignore tests/gpu/test_workers_on_cuda.py
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import tiny_events
import tiny_gold
import torch
import xgboost

from pipelines.contracts.fits import Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is visible"),
    # what XGBoost says when it takes the CPU after all
    pytest.mark.filterwarnings("error:.*Device is changed:UserWarning"),
]


@pytest.fixture(params=["quantiles", "a probability"])
def plan(request, tmp_path):
    if request.param == "quantiles":
        return tiny_gold.plan_for("xgboost", tiny_gold.write_gold(tmp_path), rounds=60)
    return tiny_events.plan_for("xgboost", tables=tiny_events.write_gold(tmp_path), rounds=60)


def fitted(plan, device, folder):
    workspace = Workspace(folder)
    return fit(replace(plan, device=device), workspace, None, FileRecorder(workspace))


def lowest(result) -> float:
    return min(point.value for point in result.curves if point.name.startswith("validate/"))


def predicted(plan, model):
    told = families()[plan.family].scorer(model).predict(examples_of(plan, plan.validate))
    return np.stack([told[name].to_numpy() for name in told.column_names if name[0] in "qp"], axis=1)


def test_trees_grow_on_the_device(plan, tmp_path, monkeypatch):
    grown, train = [], xgboost.train
    monkeypatch.setattr(xgboost, "train", lambda *given, **named: grown.append(train(*given, **named)) or grown[-1])
    fitted(plan, "cuda", tmp_path / "fit")
    (booster,) = grown
    assert json.loads(booster.save_config())["learner"]["generic_param"]["device"] == "cuda:0"


def test_they_learn_as_much_as_on_the_cpu_and_answer_alike(plan, tmp_path):
    on_cuda, on_cpu = (fitted(plan, device, tmp_path / device) for device in ("cuda", "cpu"))
    assert lowest(on_cuda) == pytest.approx(lowest(on_cpu), rel=0.02)
    here, there = predicted(plan, on_cuda.model), predicted(plan, on_cpu.model)
    for here_of_one, there_of_one in zip(here.T, there.T, strict=True):
        assert np.corrcoef(here_of_one, there_of_one)[0, 1] > 0.98


def test_two_fits_are_equal_to_the_last_bit(plan, tmp_path):
    one, other = (fitted(plan, "cuda", tmp_path / name) for name in ("one", "other"))
    assert (one.model, one.curves) == (other.model, other.curves)
