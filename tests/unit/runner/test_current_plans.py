"""By which engine a family is fitted where conf names none, and where it does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tiny_gold import plan_for, write_gold

from pipelines.contracts.fits import FitError, Shard, Workspace
from pipelines.domains import domain
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.runner.fits import current_plan
from pipelines.runner.work import Work
from tests.house import settings_on

LOGISTICS = domain("logistics")
NUMBER, PROBABILITY = LOGISTICS.task("delay_min"), LOGISTICS.task("is_late")


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A task's plan by conf's engines, on tables that are only named."""
    monkeypatch.setattr(Work, "shard", lambda _, name: Shard(name, 1, ()))

    def by(task, family, device="cpu", **engines):
        settings = settings_on(tmp_path, training={"engines": engines, "device": device})
        return current_plan(Work(SimpleNamespace(settings=settings), LOGISTICS, "train"), task, family)

    return by


def test_a_support_vector_machine_for_numbers_takes_one_process_by_itself(plan, tmp_path):
    assert plan(PROBABILITY, "linear_svm").engine == "spark_ml"
    by_default = plan(NUMBER, "linear_svm")
    assert by_default.engine == "single"
    of = plan_for("linear_svm", write_gold(tmp_path), by_default.engine, tolerance=0.1)
    workspace = Workspace(tmp_path / "fit")
    assert fit(of, workspace, None, FileRecorder(workspace)).format == "json"
    said = r"^linear_svm by single: 480 training rows are more than most_rows \(479\); take the family linear, or train"
    with pytest.raises(FitError, match=said):
        fit(plan_for("linear_svm", write_gold(tmp_path), by_default.engine, most_rows=479), workspace, None, None)


def test_conf_goes_before_what_the_family_prefers(plan):
    assert plan(NUMBER, "linear").engine == "spark_ml"
    assert plan(NUMBER, "linear", linear="single").engine == "single"
    assert plan(PROBABILITY, "linear_svm", linear_svm="single").engine == "single"
    # no engine but the one that is named is taken behind anyone's back; the fit then says what cannot be
    assert plan(NUMBER, "linear_svm", linear_svm="spark_ml").engine == "spark_ml"


def test_conf_names_the_device(plan):
    assert [plan(NUMBER, "xgboost", device=device).device for device in ("cpu", "cuda")] == ["cpu", "cuda"]
