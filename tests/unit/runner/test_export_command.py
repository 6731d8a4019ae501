"""`headrace export` on a real store: what it writes, what it tells, what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import mlflow
import numpy as np
import onnxruntime
import pyarrow.parquet as pq
import pytest
import torch
import xgboost
from deltalake import DeltaTable, write_deltalake
from tiny_gold import day, plan_for, write_gold

from pipelines.cli import main
from pipelines.contracts.fits import Calibration, Shard, Workspace
from pipelines.contracts.plan_text import plan_text
from pipelines.contracts.tasks import Span
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.io.registry import Registry
from pipelines.io.run_records import FitReport, TableRead
from pipelines.io.spool import Spool
from pipelines.io.tracking import PLAN_FILE, Tracking
from pipelines.models.base import families
from pipelines.models.formats import Onnx, TorchScript
from tests.house import overlay_on, settings_on, toys_found

SMALL = {
    "nlinear": {"epochs": 2, "origins_every": 6},
    "xgboost": {"rounds": 20},
    "seasonal_naive": {"season_steps": 24},
}
SHIFTS = {0.1: -5.0, 0.5: 0.0, 0.9: 3.0}
OF_STEPS = {0.1: tuple(-5.0 - n for n in range(12)), 0.5: (0.0,) * 12, 0.9: tuple(3.0 + n for n in range(12))}
"""The net's: a shift for each step."""


class House:
    """A store with a run of each family, on gold that lies in Delta; the task is the mill's first."""

    def __init__(self, folder):
        self.folder, self.conf = folder, str(overlay_on(folder))
        self.settings = settings_on(folder)
        self.registry, self.tracking = Registry(self.settings), Tracking(self.settings)
        self.client = mlflow.MlflowClient(self.settings.mlflow.tracking_uri)
        (folder / "parquet").mkdir()
        self.tables, self.read = {}, []
        for name, shard in write_gold(folder / "parquet").items():
            path = str(folder / name)
            for file in shard.files:
                write_deltalake(path, pq.read_table(file), mode="append")
            table = DeltaTable(path)
            self.tables[name] = Shard(name, table.version(), tuple(table.file_uris()))
            self.read.append(TableRead(name, path, table.version(), table.count()))

    def registered(self, name, family, **changes):
        plan = plan_for(family, self.tables, **SMALL[family])
        plan = replace(plan, domain="mill", task="flow_m3s", **changes)
        workspace = Workspace(self.folder / name)
        result = fit(plan, workspace, None, FileRecorder(workspace))
        examples = examples_of(plan, Span(day(34), day(35))).drop(["label"])
        report = FitReport(
            id=name,
            parent="",
            as_of=datetime(2024, 2, 9, tzinfo=UTC),
            plan=plan,
            result=result,
            calibration=Calibration(SHIFTS, "nothing", OF_STEPS if name == "net" else {}),
            metrics={"naive_mae": 50.0},
            tables=self.read,
            example=examples,
            prediction=families()[family].scorer(result.model).predict(examples),
            documents={PLAN_FILE: plan_text(plan)},
        )
        spool = Spool(self.folder / "spool" / name)
        spool.add(1, report.write)
        for entry in spool.entries():
            self.tracking.log(entry.folder)
        self.registry.register(self.tracking.logged(name), name, {})

    def run(self, name):
        return self.client.get_run(self.tracking.logged(name).mlflow_run_id)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    with toys_found():
        found = House(tmp_path_factory.mktemp("house"))
        for name, family in (("trees", "xgboost"), ("net", "nlinear"), ("naive", "seasonal_naive")):
            found.registered(name, family)
        yield found
    mlflow.set_tracking_uri(before[0])
    mlflow.set_registry_uri(before[1])


def exported(house, *words):
    return main(["export", *map(str, words), "--conf", house.conf])


def by_xgboost(file, rows):
    booster = xgboost.Booster(model_file=file)
    return booster.predict(xgboost.DMatrix(rows, feature_names=booster.feature_names))


def by_onnxruntime(file, *tensors):
    session = onnxruntime.InferenceSession(file)
    return session.run(None, dict(zip([of.name for of in session.get_inputs()], tensors, strict=True)))[0]


def by_torch(file, *tensors):
    with torch.no_grad():
        return torch.jit.load(file)(*map(torch.from_numpy, tensors)).numpy()


@pytest.mark.parametrize(
    ("name", "form", "file", "read"),
    [
        ("trees", "ubj", "model.ubj", by_xgboost),
        ("net", "onnx", "model.onnx", by_onnxruntime),
        ("net", "torchscript", "model.pt", by_torch),
    ],
)
def test_a_foreign_program_can_check_itself_by_the_manifest_alone(house, name, form, file, read, tmp_path, capsys):
    assert exported(house, f"models:/{name}/1", "--format", form, "--to", tmp_path / "out") == 0
    told = capsys.readouterr().out
    assert f"{name}/1: 144 answers of the test span are the scorer's, the worst " in told
    assert sorted(of.name for of in tmp_path.iterdir()) == ["out"]
    assert {of.name for of in (tmp_path / "out").iterdir()} == {file, "model.json"}
    text = (tmp_path / "out" / "model.json").read_text()
    assert str(tmp_path) not in text
    of = json.loads(text)
    example, types = of["example"], {one["name"]: one["type"] for one in of["inputs"]}
    tensors = [np.array(values, types[name]) for name, values in example["inputs"].items()]
    found = read(str(tmp_path / "out" / of["file"]), *tensors)
    wanted = np.array(example["output"])
    assert found.shape == wanted.shape and np.allclose(found, wanted, rtol=example["tolerance"])
    shifts = OF_STEPS if name == "net" else SHIFTS
    assert np.allclose(example["served"], np.sort(wanted) + np.array([shifts[q] for q in SHIFTS]).T)
    assert of["after"]["shifts"]["values"] == {f"{q:g}": np.array(by).tolist() for q, by in shifts.items()}
    assert of["output"]["columns"] == ["q10", "q50", "q90"] and of["output"]["unit"] == "m³/s"


def test_the_models_run_is_told_how_the_forms_compare(house, tmp_path, capsys):
    assert exported(house, "net", "--format", "torchscript", "--to", tmp_path / "out") == 0
    told = capsys.readouterr().out.splitlines()
    head = next(line for line in told if line.split()[:2] == ["form", "bytes"])
    assert head.split() == ["form", "bytes", "gzipped", "ms", "a", "cut-off", "mae", "skill", "skill", "lost"]
    run = house.run("net")
    metrics = {name: value for name, value in run.data.metrics.items() if name.startswith("export/torchscript/")}
    assert metrics["export/torchscript/disparity"] <= 1e-5
    assert metrics["export/torchscript/torchscript/bytes"] == (tmp_path / "out" / "model.pt").stat().st_size
    for name in ("mae", "skill"):
        full, scorer = (metrics[f"export/torchscript/{form}/{name}"] for form in ("torchscript", "scorer"))
        assert full == pytest.approx(scorer, rel=1e-5)
    assert metrics["export/torchscript/scorer/skill"] == 1.0 - metrics["export/torchscript/scorer/mae"] / 50.0
    table = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/export/torchscript.csv")
    assert [line.split(",")[0] for line in table.splitlines()] == ["form", "scorer", "torchscript"]


def test_a_light_net_stands_beside_the_whole_one_with_what_it_lost(house, tmp_path, capsys):
    words = ["--format", "torchscript", "--int8", "--prune", 0.25, "--to", tmp_path / "out"]
    assert exported(house, "models:/net/1", *words) == 0
    rows = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("  ")]
    assert [row for row in rows if not row.startswith(("-", "["))] == ["form", "scorer", "torchscript", "pruned_int8"]
    assert {of.name for of in (tmp_path / "out").iterdir()} == {"model.pt", "light.pt", "model.json"}
    of = json.loads((tmp_path / "out" / "model.json").read_text())
    assert (of["light"]["file"], of["light"]["int8"], of["light"]["pruned"]) == ("light.pt", True, 0.25)
    tensors = [np.array(values) for values in of["example"]["inputs"].values()]
    light = by_torch(str(tmp_path / "out" / "light.pt"), *tensors)
    assert np.allclose(light, of["light"]["example_output"], rtol=1e-3)
    assert not np.allclose(light, of["example"]["output"], rtol=1e-5)
    metrics = house.run("net").data.metrics
    whole, less = (metrics[f"export/torchscript/{form}/skill"] for form in ("scorer", "pruned_int8"))
    assert metrics["export/torchscript/pruned_int8/skill_lost"] == whole - less
    assert metrics["export/torchscript/torchscript/skill_lost"] == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("form", [Onnx, TorchScript])
def test_a_file_that_answers_otherwise_is_refused_and_nothing_is_left(house, form, tmp_path, capsys, monkeypatch):
    def astray(self, content):
        answer = right(self, content)
        return lambda tensors: answer(tensors) * (1.0 + 3e-5)

    right = form.opened
    monkeypatch.setattr(form, "opened", astray)
    assert exported(house, "models:/net/1", "--format", form.name, "--to", tmp_path / "out") == 1
    told = capsys.readouterr().err
    assert told.startswith(
        f"headrace: net/1 as {form.name} answers other than its scorer: of 144 rows of the test span "
    )
    assert told.endswith("apart, 1e-05 is allowed. Nothing was written\n")
    assert list(tmp_path.iterdir()) == []


def test_an_export_takes_the_place_of_an_earlier_one_and_of_nothing_else(house, tmp_path, capsys):
    for _ in range(2):
        assert exported(house, "models:/trees/1", "--format", "ubj", "--to", tmp_path / "out") == 0
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    assert exported(house, "models:/trees/1", "--format", "ubj", "--to", tmp_path / "mine") == 2
    assert "is there and is no earlier export. Name another folder by --to" in capsys.readouterr().err
    assert sorted(of.name for of in tmp_path.rglob("*")) == ["mine", "model.json", "model.ubj", "notes.txt", "out"]


def test_without_a_folder_it_goes_into_the_data_root(house):
    assert exported(house, "models:/trees/1", "--format", "ubj") == 0
    assert (house.folder / "root" / "exports" / "trees-1" / "ubj" / "model.ubj").exists()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["models:/nobody/1", "--format", "ubj"], 2, "MLflow has no model models:/nobody/1."),
        (["models:/trees", "--format", "ubj"], 2, "'models:/trees' names no registered model; write models:/NAME/"),
        (["nobody", "--format", "ubj"], 1, "cannot read the plan of run nobody"),
        (
            ["models:/trees/1", "--format", "onnx"],
            2,
            "a model of the family xgboost cannot be exported as onnx, but as ubj",
        ),
        (
            ["models:/trees/1", "--format", "ubj", "--int8"],
            2,
            "--int8 and --prune make nets light; a model of the family xgboost is none",
        ),
        (
            ["models:/net/1", "--format", "pickle"],
            2,
            "a model of the family nlinear cannot be exported as pickle, but as onnx or torchscript",
        ),
        (
            ["models:/naive/1", "--format", "onnx"],
            2,
            "a model of the family seasonal_naive cannot be exported as onnx, but in no format; models of these ",
        ),
    ],
)
def test_what_cannot_be_is_one_line(house, words, code, said, capsys):
    assert exported(house, *words) == code
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and told.startswith("headrace: ") and said in told
