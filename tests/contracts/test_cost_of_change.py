"""What is to be added is one folder, one file, one line: nothing else is touched. The mill of test_learning, a domain
of three tables, two tasks and two kinds of cut-off, is found in the same way and goes all the way."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

import pipelines
import pipelines.domains
import pipelines.models
from pipelines import runner
from pipelines.contracts.features import FeatureView, Lag
from pipelines.contracts.fits import Workspace
from pipelines.contracts.tasks import Span
from pipelines.domains import domains
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.io.ledger import Ledger
from pipelines.models.base import families
from pipelines.stages.train import frame
from tests.house import drop, settings_on
from tests.tiny_gold import day, plan_for, write_gold
from tests.toy_domains.mill.domain import DOMAIN as MILL

BAKERY = """
from pipelines.contracts.domain import Domain
from pipelines.contracts.sources import Source
from pipelines.contracts.tables import Column, Table

LOAVES = Table(
    "loaves",
    source="ovens",
    key=("shop_id", "baked_at"),
    event_time="baked_at",
    available_at="baked_at",
    columns=(
        Column("shop_id", "string"),
        Column("baked_at", "timestamp"),
        Column("weight_kg", "double", unit="kg"),
    ),
)
DOMAIN = Domain(
    name="bakery",
    owner="bakers",
    question="How much bread will be eaten?",
    sources=(Source("ovens", format="csv", delimiter=";"),),
    tables=(LOAVES,),
)
"""
DELIVERY = {"ovens/2024-01-02.csv": "shop_id;baked_at;weight_kg\nx;2024-01-01T04:00Z;1.5\n"}


@pytest.fixture
def bakery(tmp_path):
    folder = tmp_path / "more_domains" / "bakery"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "domain.py").write_text(BAKERY)
    pipelines.domains.__path__.append(str(folder.parent))
    domains.cache_clear()
    yield
    pipelines.domains.__path__.pop()
    domains.cache_clear()
    for name in ("pipelines.domains.bakery", "pipelines.domains.bakery.domain"):
        sys.modules.pop(name, None)


def test_a_new_domain_is_a_folder(bakery, tmp_path):
    settings = settings_on(tmp_path)
    drop(settings, "bakery", DELIVERY)
    assert runner.run(settings, names=["bakery"], stages=["land"]).failures == {}
    (batch,) = Ledger(settings.ledger).batches_awaiting("bakery", "bronze")
    assert [(file.source, file.name) for file in batch.files] == [("ovens", "ovens/2024-01-02.csv")]


def test_nothing_but_its_folder_knows_the_toy_domain():
    pattern = [path for path in Path(pipelines.__file__).parent.rglob("*.py") if "mill" in path.read_text().split()]
    assert pattern == []


def test_a_new_feature_is_a_line_of_the_declaration():
    more = FeatureView("further_back", table="flows", entity="station_id", features=(Lag("flow_m3s", hours=(48,)),))
    task = replace(MILL.tasks[0], views=(*MILL.tasks[0].views, "further_back"))
    wider = replace(MILL, views=(*MILL.views, more), tasks=(task, MILL.tasks[1]))
    added = set(frame(wider, task).features) - set(frame(MILL, MILL.tasks[0]).features)
    assert added == {"flow_m3s__lag_48h"}


FAMILY = '''
"""Always the same: the mean of what was trained on."""

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.models.base import Family, Scorer, Signature
from pipelines.models.labels import labelled


class Same(Family):
    """One number for all."""

    name = "same"
    params = ()

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        mean = float(labelled(train, plan, "train")[1].mean())
        return FitResult(f"{mean}\\n{Signature.of(plan).json()}".encode(), "txt")

    def scorer(self, model: bytes) -> Scorer:
        mean, _, signature = model.decode().partition("\\n")
        return _SameScorer(Signature.read(signature), float(mean))


class _SameScorer(Scorer):
    def __init__(self, signature: Signature, mean: float) -> None:
        super().__init__(signature)
        self._mean = mean

    def outputs(self, examples: pa.Table) -> np.ndarray:
        return np.full((len(examples) * self.signature.steps, len(self.signature.quantiles)), self._mean)
'''


def test_a_new_family_is_a_file(tmp_path, monkeypatch):
    (tmp_path / "more_models").mkdir()
    (tmp_path / "more_models" / "same.py").write_text(FAMILY)
    monkeypatch.setattr(pipelines.models, "__path__", [*pipelines.models.__path__, str(tmp_path / "more_models")])
    importlib.invalidate_caches()
    assert "same" in families()
    plan = plan_for("same", write_gold(tmp_path))
    workspace = Workspace(tmp_path / "fit")
    result = fit(plan, workspace, None, FileRecorder(workspace))
    predicted = families()["same"].scorer(result.model).predict(examples_of(plan, Span(day(34), day(35))))
    assert len(predicted) == 2 * 12
    assert predicted["q10"] == predicted["q90"]
    sys.modules.pop("pipelines.models.same")
