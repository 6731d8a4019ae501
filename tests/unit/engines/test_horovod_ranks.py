"""Two ranks under Horovod on Spark: started once for what succeeds, once for what fails (about 20 s each)."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tiny_gold import plan_for, write_gold

from pipelines.contracts.fits import FitError, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of, shard_hash
from pipelines.models.base import families

PARAMS = {"epochs": 2, "hidden": 8, "origins_every": 7}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


@pytest.fixture(scope="module")
def trained(spark, tables, tmp_path_factory):
    """A plan, its fit by two ranks, and every address that this process and its children listened at meanwhile."""
    plan = plan_for("lstm", tables, engine="horovod", workers=2, **PARAMS)
    workspace = Workspace(tmp_path_factory.mktemp("workspace"))
    heard, done = set(), threading.Event()
    watcher = threading.Thread(target=watch, args=(heard, done))
    watcher.start()
    try:
        result = fit(plan, workspace, lambda: spark, FileRecorder(workspace))
    finally:
        done.set()
        watcher.join()
    return plan, result, heard


def watch(heard: set[str], done: threading.Event) -> None:
    while not done.wait(0.5):
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
            try:
                heard |= {c.laddr.ip for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN}
            except psutil.Error:
                continue  # it ended between being listed and being asked


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


def test_rank_0_records_both_curves(trained):
    _, result, _ = trained
    names = [(point.name, point.step) for point in result.curves]
    assert names == [(f"{span}/pinball", epoch) for epoch in (0, 1) for span in ("train", "validate")]


def test_nothing_listens_beyond_this_machine(trained):
    _, _, heard = trained
    assert heard
    assert {address.removeprefix("::ffff:") for address in heard} <= {"127.0.0.1", "::1"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # Horovod cancels its own job
def test_a_failing_rank_ends_the_fit_in_bounded_time_with_its_own_error(spark, tables, tmp_path):
    """The data of rank 1 alone are damaged: the file of the second region."""
    load = tables["gold.tiny_load"]
    content = bytearray(Path(load.files[1]).read_bytes())
    content[4:2000] = bytes(1996)
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(content)
    plan = plan_for("lstm", tables, engine="horovod", workers=2, **PARAMS)
    plan = replace(plan, tables={**tables, load.name: replace(load, files=(load.files[0], str(damaged)))})
    workspace = Workspace(tmp_path / "workspace")
    started = time.monotonic()
    said = r"^lstm by horovod: rank 1 failed: gold\.tiny_load at version 3 cannot be read: "
    with pytest.raises(FitError, match=said):
        fit(plan, workspace, lambda: spark, FileRecorder(workspace))
    assert time.monotonic() - started < 90  # measured: 15 s, 38 s with four other jobs on the two cores
    assert "Traceback" in (workspace.path / "rank-1.error").read_text()
