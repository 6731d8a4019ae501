"""A fit that is killed goes on from its checkpoint and ends with the bytes of one that nothing disturbed."""

from __future__ import annotations

import multiprocessing
import time

import pytest
from tiny_gold import plan_for, write_gold

from pipelines.contracts.fits import Workspace
from pipelines.engines import fit
from pipelines.engines.kept import keep
from pipelines.engines.recorder import CHECKPOINT, FileRecorder, begin

LONG = {
    "lstm": {"epochs": 60, "patience": 60, "hidden": 8, "origins_every": 4},
    "mlp": {"epochs": 150, "patience": 150, "batch": 32},
    "xgboost": {"rounds": 1200, "patience": 1200, "segment": 10, "learning_rate": 0.01},
}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    return write_gold(tmp_path_factory.mktemp("gold"))


def attempt(plan, folder):
    workspace = Workspace(folder)
    return fit(plan, workspace, None, FileRecorder(workspace))


def killed(plan, folder, checkpoints):
    """Fit in a process of its own, which is killed after so many checkpoints."""
    process = multiprocessing.get_context("spawn").Process(target=attempt, args=(plan, folder))
    process.start()
    seen = set()
    while len(seen) < checkpoints:
        assert process.is_alive(), "it ended before it could be killed"
        if (folder / CHECKPOINT).exists():
            seen.add((folder / CHECKPOINT).stat().st_mtime_ns)
        time.sleep(0.005)
    process.kill()
    process.join()


@pytest.mark.parametrize(
    "family", [pytest.param(name, marks=[pytest.mark.slow] if name == "mlp" else []) for name in LONG]
)
def test_a_killed_fit_ends_with_the_bytes_of_an_undisturbed_one(family, tables, tmp_path):
    plan = plan_for(family, tables, **LONG[family])
    undisturbed = attempt(plan, tmp_path / "undisturbed")
    killed(plan, tmp_path / "killed", checkpoints=2)
    seen = len(FileRecorder(Workspace(tmp_path / "killed")).points())
    assert 0 < seen < len(undisturbed.curves)
    resumed = attempt(plan, tmp_path / "killed")
    assert resumed.model == undisturbed.model
    assert (resumed.curves, resumed.best_step) == (undisturbed.curves, undisturbed.best_step)


@pytest.mark.parametrize(("family", "params"), [("mlp", {"epochs": 40, "batch": 32}), ("xgboost", {"segment": 7})])
def test_early_stopping_is_the_same_whenever_a_fit_was_killed(family, params, tables, tmp_path):
    """From every checkpoint that there ever was, the last one included."""
    plan = plan_for(family, tables, patience=3, **params)
    workspace, kept = Workspace(tmp_path), []

    class Keeping(FileRecorder):
        def checkpoint(self, state):
            self._due_at_s = 0.0
            super().checkpoint(state)
            kept.append((tmp_path / CHECKPOINT).read_bytes())

    undisturbed = fit(plan, workspace, None, Keeping(workspace))
    assert len(undisturbed.curves) > 2 * (undisturbed.best_step + 1)
    assert len(kept) > 2
    for content in list(kept):
        (tmp_path / CHECKPOINT).write_bytes(content)
        resumed = attempt(plan, tmp_path)
        assert (resumed.model, resumed.curves) == (undisturbed.model, undisturbed.curves)


def test_a_checkpoint_of_another_plan_or_a_damaged_one_is_not_gone_on_from(tmp_path):
    workspace = Workspace(tmp_path)
    begin(workspace, "one")
    recorder = FileRecorder(workspace)
    recorder.record("train/pinball", 0, 1.0)
    recorder.checkpoint(lambda: b"state")
    recorder.record("train/pinball", 1, 0.5)
    begin(workspace, "one")
    assert (recorder.checkpointed(), len(recorder.points())) == (b"state", 1)
    content = (tmp_path / CHECKPOINT).read_bytes()
    (tmp_path / CHECKPOINT).write_bytes(content[:-1] + b"x")
    begin(workspace, "one")
    assert (recorder.checkpointed(), recorder.points()) == (None, ())
    (tmp_path / CHECKPOINT).write_bytes(content)
    begin(workspace, "another")
    assert recorder.checkpointed() is None


def test_a_kept_fit_leaves_no_checkpoint(tables, tmp_path):
    plan = plan_for("xgboost", tables, rounds=20, segment=5)
    result = attempt(plan, tmp_path)
    assert (tmp_path / CHECKPOINT).exists()
    keep(result, Workspace(tmp_path))
    assert not (tmp_path / CHECKPOINT).exists()
