"""Nets trained on a CUDA device: near the CPU's answer, the same every time, read where there is no such device.

Needs neither Spark nor MLflow, so that it also runs where only torch is: pytest --noconftest tests/gpu
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny_events
import tiny_gold
import torch

from pipelines.contracts.fits import FitPlan, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is visible"),
    pytest.mark.filterwarnings("error:RNN module weights"),
]
PROJECT = Path(__file__).resolve().parents[2]
NEAR = 1e-4
"""How far a prediction may lie from the CPU's, in deviations of all predictions (measured on an H100: up to 2e-6)."""
READ = """
import pathlib, pickle, sys, torch
from pipelines.models.base import families
assert not torch.cuda.is_available()
family, examples = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())
predicted = families()[family].scorer(pathlib.Path(sys.argv[2]).read_bytes()).predict(examples)
pathlib.Path(sys.argv[3]).write_bytes(pickle.dumps(predicted))
"""


@pytest.fixture(params=["lstm", "mlp of numbers", "mlp of a probability"])
def plan(request, tmp_path) -> FitPlan:
    """On the CPU, with all that the family leaves out by chance."""
    if request.param == "lstm":
        return tiny_gold.plan_for("lstm", tiny_gold.write_gold(tmp_path), epochs=4, hidden=16, origins_every=4)
    if request.param == "mlp of numbers":
        return tiny_gold.plan_for("mlp", tiny_gold.write_gold(tmp_path), epochs=6, hidden=16, batch=64)
    return tiny_events.plan_for("mlp", tables=tiny_events.write_gold(tmp_path), epochs=6, hidden=16, batch=256)


def without_chance(plan: FitPlan) -> FitPlan:
    """The devices draw other random numbers from a seed: nothing is left out by chance, so none is drawn."""
    chances = ("dropout", "feature_dropout") if plan.family == "lstm" else ("dropout",)
    return replace(plan, params={**plan.params, **dict.fromkeys(chances, 0.0)})


def fitted(plan: FitPlan, device: str, folder: Path):
    plan, workspace = replace(plan, device=device), Workspace(folder)
    return fit(plan, workspace, None, FileRecorder(workspace))


def predicted(plan: FitPlan, model: bytes):
    return families()[plan.family].scorer(model).predict(examples_of(plan, plan.validate))


def values(predictions) -> np.ndarray:
    return np.stack([predictions[name].to_numpy() for name in predictions.column_names if name[0] in "qp"], axis=1)


def lowest(result) -> float:
    return min(point.value for point in result.curves if point.name.startswith("validate/"))


def test_without_chance_a_net_answers_as_it_does_on_the_cpu(plan, tmp_path):
    plan = without_chance(plan)
    torch.cuda.reset_peak_memory_stats()
    on_cuda, on_cpu = (values(predicted(plan, fitted(plan, on, tmp_path / on).model)) for on in ("cuda", "cpu"))
    assert torch.cuda.max_memory_allocated() > 0
    assert on_cuda.shape[1] == len(plan.quantiles or ("probability",))
    apart = np.abs(on_cuda - on_cpu).max() / on_cpu.std()
    assert apart <= NEAR


def test_with_chance_it_learns_as_much(plan, tmp_path):
    on_cuda, on_cpu = (lowest(fitted(plan, on, tmp_path / on)) for on in ("cuda", "cpu"))
    assert on_cuda == pytest.approx(on_cpu, rel=0.1)


def test_two_fits_are_equal_to_the_last_bit(plan, tmp_path):
    one, other = (fitted(plan, "cuda", tmp_path / name) for name in ("one", "other"))
    assert one.model == other.model
    assert one.curves == other.curves


def test_its_model_is_read_where_there_is_no_device_and_answers_with_the_same_bits(plan, tmp_path):
    model = fitted(plan, "cuda", tmp_path / "fit").model
    (tmp_path / "model").write_bytes(model)
    (tmp_path / "asked").write_bytes(pickle.dumps((plan.family, examples_of(plan, plan.validate))))
    subprocess.run(
        [sys.executable, "-c", READ, *(str(tmp_path / name) for name in ("asked", "model", "answer"))],
        cwd=PROJECT,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(PROJECT)},
        check=True,
        timeout=120,
    )
    assert pickle.loads((tmp_path / "answer").read_bytes()).equals(predicted(plan, model))


def test_the_callers_random_state_and_choices_are_as_before(plan, tmp_path):
    torch.manual_seed(3)
    torch.cuda.manual_seed(4)
    before = torch.get_rng_state(), torch.cuda.get_rng_state(), torch.are_deterministic_algorithms_enabled()
    fitted(plan, "cuda", tmp_path / "fit")
    after = torch.get_rng_state(), torch.cuda.get_rng_state(), torch.are_deterministic_algorithms_enabled()
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[1], after[1])
    assert before[2] == after[2]
