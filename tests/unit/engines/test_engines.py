from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tiny_gold import plan_for, write_gold

from pipelines.contracts.fits import FitError, WorkerLost, Workspace
from pipelines.contracts.names import DeclarationError
from pipelines.engines import fit
from pipelines.engines.ranks import failure
from pipelines.engines.recorder import FileRecorder
from pipelines.models.base import families


def attempt(plan, folder, spark=None):
    workspace = Workspace(folder)
    return fit(plan, workspace, spark, FileRecorder(workspace))


def test_a_fit_tells_who_made_it_from_which_rows_and_how_long_it_took(tmp_path):
    result = attempt(plan_for("xgboost", write_gold(tmp_path), rounds=3), tmp_path / "w")
    (worker,) = result.workers
    assert (worker.rank, worker.rows, len(worker.shard_hash)) == (0, 40, 64)
    assert result.seconds > 0
    curves = [(f"{span}/pinball", step) for step in range(3) for span in ("train", "validate")]
    assert [(p.name, p.step) for p in result.curves] == curves


def test_a_second_attempt_in_a_workspace_forgets_the_first(tmp_path):
    plan = plan_for("xgboost", write_gold(tmp_path), rounds=3)
    assert attempt(plan, tmp_path / "w").curves == attempt(plan, tmp_path / "w").curves


@pytest.mark.parametrize(
    ("family", "engine", "said"),
    [
        (
            "forest",
            "single",
            f"no family 'forest'; there are: {', '.join(families())}",
        ),
        ("linear", "horovod", "linear cannot be fitted by 'horovod'; it can by: spark_ml, single"),
        ("lstm", "horovod", "lstm by horovod: this engine needs a Spark session; or use the engine 'single'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(family, engine, said, tmp_path):
    with pytest.raises(FitError) as refused:
        attempt(plan_for(family, {}, engine=engine), tmp_path)
    assert str(refused.value) == said


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is visible")
@pytest.mark.parametrize("family", ["lstm", "mlp"])
def test_a_net_does_not_fall_back_to_the_cpu_where_no_cuda_device_is_visible(family, tmp_path):
    with pytest.raises(FitError) as refused:
        attempt(replace(plan_for(family, write_gold(tmp_path)), device="cuda"), tmp_path / "w")
    assert str(refused.value) == (
        f"{family}: conf says training.device: cuda, but no CUDA device is visible here; "
        "say device: cpu, or run on a machine that has one"
    )


def test_an_unknown_parameter_is_refused_before_anything_is_read(tmp_path):
    with pytest.raises(DeclarationError, match="unknown parameter 'depth'"):
        attempt(plan_for("xgboost", {}, depth=3), tmp_path)


HOROVODS_WORDS = """Horovod detected that one or more processes exited with non-zero status, thus causing the job \
to be terminated. The first process to do so was:
Process name: 0
Exit code: None
"""


def test_a_worker_that_is_killed_before_its_rank_begins_is_lost_like_any_other(tmp_path):
    """Then there is neither an error nor a pid of a rank to go by, only what Horovod says."""
    plan = plan_for("lstm", {}, engine="horovod", workers=2)
    (tmp_path / "rank-1.pid").write_text("4711")
    (tmp_path / "rank-1.error").write_text("HorovodInternalError: a peer has gone\n\nTraceback")
    found = failure(plan, Workspace(tmp_path), RuntimeError(HOROVODS_WORDS), ("HorovodInternalError",))
    assert isinstance(found, WorkerLost)
    assert str(found).startswith("lstm by horovod: a worker ended without a word before its rank began")
    assert str(found).endswith("rank-outputs.log)") and "\n" not in str(found)


def test_whatever_an_engine_says_is_one_line(tmp_path):
    plan = plan_for("lstm", {}, engine="horovod", workers=2)
    found = failure(plan, Workspace(tmp_path), RuntimeError("Timed out waiting\n  for tasks\n"), ())
    assert (type(found), str(found)) == (FitError, "lstm by horovod: Timed out waiting for tasks")
