"""Two ranks, by each engine that starts some: what succeeds, what fails and what is killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import tiny_events
from listeners import beyond_loopback, listeners_seen
from tiny_gold import plan_for, write_gold

from pipelines.contracts.cards import sha256
from pipelines.contracts.fits import FitError, WarmStart, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import CHECKPOINT, FileRecorder
from pipelines.engines.shards import examples_of, shard_hash
from pipelines.models.base import families

ENGINES = ("horovod", "torch_ddp")
BATCH = 40
PARAMS = {"epochs": 60, "patience": 60, "hidden": 8, "origins_every": 7, "dropout": 0.0, "feature_dropout": 0.0}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


@pytest.fixture(scope="module")
def trained_by(spark, tables, tmp_path_factory):
    return {engine: train(engine, spark, tables, tmp_path_factory) for engine in ENGINES}


@pytest.fixture(params=ENGINES)
def trained(request, trained_by):
    return trained_by[request.param]


def train(engine, spark, tables, tmp_path_factory):
    """A plan of some batches an epoch, its fit by two ranks, and who of this process and its children listened where
    meanwhile."""
    plan = plan_for("lstm", tables, engine=engine, workers=2, batch=BATCH, **PARAMS)
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    with listeners_seen() as heard:
        result = fit(plan, workspace, lambda: spark, FileRecorder(workspace))
    return plan, result, heard


def test_the_ranks_are_processes_of_their_own_with_disjoint_shards_that_make_the_whole(trained):
    plan, result, _ = trained
    shards = [examples_of(plan, plan.train, rank, 2, PARAMS["origins_every"]) for rank in (0, 1)]
    assert [(worker.rank, worker.rows) for worker in result.workers] == [(0, len(shards[0])), (1, len(shards[1]))]
    assert [worker.shard_hash for worker in result.workers] == [shard_hash(shard, "region_id") for shard in shards]
    assert len({os.getpid(), *(worker.process_id for worker in result.workers)}) == 3


def test_the_ranks_end_with_equal_weights_which_are_the_models(trained):
    plan, result, _ = trained
    assert len({worker.weights_hash for worker in result.workers}) == 1
    examples = examples_of(plan, plan.validate)
    predicted = families()["lstm"].scorer(result.model).predict(examples)
    assert (len(predicted), predicted["q50"].null_count) == (120, 0)


def test_two_ranks_equal_one_process_at_the_same_global_batch(trained, tmp_path):
    """What differs is the order of sums, which Adam makes more of where a gradient is near 0."""
    plan, result, _ = trained
    assert sum(worker.rows for worker in result.workers) > 2 * BATCH, "several batches an epoch"
    alone = replace(plan, engine="single", workers=1, params={**plan.params, "batch": 2 * BATCH})
    once = fit(alone, Workspace(tmp_path), None, FileRecorder(Workspace(tmp_path)))
    here, there = safetensors.torch.load(once.model), safetensors.torch.load(result.model)
    farthest = max(float((here[name] - there[name]).abs().max()) for name in here)
    assert farthest < 1e-3
    assert [p.value for p in result.curves] == pytest.approx([p.value for p in once.curves], rel=1e-4)


@pytest.mark.parametrize("engine", [ENGINES[0], *[pytest.param(name, marks=pytest.mark.slow) for name in ENGINES[1:]]])
def test_two_ranks_that_train_adapters_equal_one_process(engine, spark, tables, tmp_path):
    """A net that begins from a model reads all ranks' rows on that model's scales; what is not trained is not sent."""
    params = {"epochs": 10, "origins_every": 7}
    cold = plan_for("nlinear", tables, **params)
    begun = fit(cold, Workspace(tmp_path / "cold"), None, FileRecorder(Workspace(tmp_path / "cold")))
    (tmp_path / "model").write_bytes(begun.model)
    start = WarmStart("tiny", 1, sha256(begun.model), (cold.train,), "m-1", str(tmp_path / "model"))
    batch = len(examples_of(cold, cold.train, 0, 2, params["origins_every"]))
    params |= {"start_from": "models:/tiny/1", "adapter_rank": 1}
    plan = plan_for("nlinear", tables, engine=engine, workers=2, batch=batch, **params)
    alone = plan_for("nlinear", tables, batch=2 * batch, **params)
    ranks, once = (
        fit(replace(of, warm_start=start), workspace, lambda: spark, FileRecorder(workspace))
        for of, workspace in ((plan, Workspace(tmp_path / "ranks")), (alone, Workspace(tmp_path / "alone")))
    )
    here, there = safetensors.torch.load(once.model), safetensors.torch.load(ranks.model)
    assert max(float((here[name] - there[name]).abs().max()) for name in here) < 1e-4
    assert not here["moves.weight"].equal(safetensors.torch.load(begun.model)["moves.weight"])
    assert ranks.trained_share == once.trained_share < 0.05


def test_two_ranks_whose_classes_count_differently_equal_one_process(spark, tmp_path):
    """Each rank has its own share of the rare class; a batch counts by its rows, so their mean is that of all rows."""
    events = tiny_events.write_gold(tmp_path)
    params = {"epochs": 5, "hidden": 16, "dropout": 0.0, "class_weight": "balanced"}
    plan = tiny_events.plan_for("mlp", "torch_ddp", tables=events, workers=2, batch=735, **params)
    alone = tiny_events.plan_for("mlp", tables=events, batch=1470, **params)
    ranks, once = (
        fit(of, workspace, lambda: spark, FileRecorder(workspace))
        for of, workspace in ((plan, Workspace(tmp_path / "ranks")), (alone, Workspace(tmp_path / "alone")))
    )
    here, there = safetensors.torch.load(once.model), safetensors.torch.load(ranks.model)
    assert max(float((here[name] - there[name]).abs().max()) for name in here) < 1e-4
    assert [p.value for p in ranks.curves] == pytest.approx([p.value for p in once.curves], rel=1e-4)


def test_both_engines_give_the_same_model(trained_by):
    assert trained_by["horovod"][1].model == trained_by["torch_ddp"][1].model


def test_rank_0_records_both_curves(trained):
    _, result, _ = trained
    names = [(point.name, point.step) for point in result.curves]
    assert names == [(f"{span}/pinball", epoch) for epoch in range(60) for span in ("train", "validate")]


def test_nothing_listens_beyond_this_machine(trained):
    """Not the ranks, nor their driver, nor Spark's JVM."""
    _, _, heard = trained
    assert {"java", "python"} <= {one.program for one in heard}
    assert beyond_loopback(heard) == set()


@pytest.mark.slow  # make faults kills ranks too
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Horovod cancels its own job
def test_a_fit_whose_rank_is_killed_goes_on_and_ends_with_the_same_bytes(trained, spark, tmp_path):
    plan, undisturbed, _ = trained
    workspace = Workspace(tmp_path)

    def kill() -> None:
        while not (tmp_path / CHECKPOINT).exists():
            time.sleep(0.005)
        os.kill(int((tmp_path / "rank-1.pid").read_text()), signal.SIGKILL)
        struck.set()

    struck = threading.Event()
    threading.Thread(target=kill, daemon=True).start()
    resumed = fit(plan, workspace, lambda: spark, FileRecorder(workspace))
    assert struck.is_set()
    assert resumed.workers[1].process_id != undisturbed.workers[1].process_id
    assert (resumed.model, resumed.curves) == (undisturbed.model, undisturbed.curves)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Horovod cancels its own job
@pytest.mark.parametrize("engine", ENGINES)
def test_a_failing_rank_ends_the_fit_in_bounded_time_with_its_own_error(engine, spark, tables, tmp_path):
    """The data of rank 1 alone are damaged: the file of the second region."""
    load = tables["gold.tiny_load"]
    content = bytearray(Path(load.files[1]).read_bytes())
    content[4:2000] = bytes(1996)
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(content)
    plan = plan_for("lstm", tables, engine=engine, workers=2, **PARAMS)
    plan = replace(plan, tables={**tables, load.name: replace(load, files=(load.files[0], str(damaged)))})
    workspace = Workspace(tmp_path / "workspace")
    started = time.monotonic()
    said = rf"^lstm by {engine}: rank 1 failed: gold\.tiny_load at version 3 cannot be read: "
    with pytest.raises(FitError, match=said):
        fit(plan, workspace, lambda: spark, FileRecorder(workspace))
    assert time.monotonic() - started < 90  # Horovod, measured: 15 s, 38 s with four other jobs on the two cores
    assert "Traceback" in (workspace.path / "rank-1.error").read_text()


@pytest.mark.parametrize("engine", ["torch_ddp", pytest.param("horovod", marks=pytest.mark.slow)])
def test_gradients_sent_in_half_precision_and_a_forward_pass_in_bfloat16_still_learn(engine, spark, tables, tmp_path):
    """Both make another model, so they count in the plan's key."""
    plan = replace(plan_for("lstm", tables, engine=engine, workers=2, **PARAMS), params={**PARAMS, "epochs": 10})
    fits, keys = [], set()
    for changes in ({}, {"compression": "fp16"}, {"precision": "bfloat16"}):
        workspace, changed = Workspace(tmp_path / str(len(fits))), replace(plan, **changes)
        keys.add(changed.key)
        fits.append(fit(changed, workspace, lambda: spark, FileRecorder(workspace)))
    assert len({one.model for one in fits}) == len(keys) == 3
    last = [one.curves[-1].value for one in fits]
    assert last[1:] == [pytest.approx(last[0], rel=0.05)] * 2
