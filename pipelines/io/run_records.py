"""What there is to tell of a run, complete before MLflow is called, so that nothing depends on its being there."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipelines.contracts.cards import CARD_FILE, ModelCard
from pipelines.contracts.fits import Calibration, FitPlan, FitResult
from pipelines.contracts.usage import Sample
from pipelines.io.mlflow_shapes import metric_name, parameters

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RUN, NOTE, ARTIFACTS, MODEL = "run.json", "note.json", "artifacts", "model"
EXAMPLE, PREDICTION = "example.arrow", "prediction.arrow"
SOURCE = {"mlflow.source.name": "headrace", "mlflow.source.type": "JOB"}


@dataclass(frozen=True)
class TableRead:
    """A Delta table at the version that a fit read; rows is how many it had there."""

    name: str
    path: str
    version: int
    rows: int


@dataclass(frozen=True)
class Point:
    """One value of a metric; at_ms: milliseconds since 1970."""

    name: str
    step: int
    value: float
    at_ms: int


@dataclass(frozen=True)
class RunRecord:
    """A run as MLflow takes it. id: ours, since MLflow gives its own, and only when it is there; it is the run's tag
    `headrace.run_id`. parent: the id of the run that it is nested in, "" for none. models: MLflow's ids of the logged
    models that it began from."""

    id: str
    domain: str
    task: str
    name: str
    parent: str = ""
    started_ms: int = 0
    ended_ms: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    points: tuple[Point, ...] = ()
    tables: tuple[TableRead, ...] = ()
    models: tuple[str, ...] = ()

    @classmethod
    def read(cls, entry: Path) -> RunRecord:
        content = json.loads((entry / RUN).read_text(encoding="utf-8"))
        points = tuple(Point(**point) for point in content["points"])
        tables = tuple(TableRead(**table) for table in content["tables"])
        return cls(**content | {"points": points, "tables": tables, "models": tuple(content.get("models", ()))})

    def write(self, entry: Path) -> None:
        write_json(entry / RUN, asdict(self))


@dataclass(frozen=True)
class Note:
    """What became known of a run after it: metrics for it and for the run that it is nested in."""

    run_id: str
    points: tuple[Point, ...]

    @classmethod
    def of(cls, run_id: str, metrics: Mapping[str, float]) -> Note:
        at_ms = now_ms()
        return cls(run_id, tuple(Point(metric_name(name), 0, value, at_ms) for name, value in metrics.items()))

    @classmethod
    def read(cls, entry: Path) -> Note:
        content = json.loads((entry / NOTE).read_text(encoding="utf-8"))
        return cls(content["run_id"], tuple(Point(**point) for point in content["points"]))

    def write(self, entry: Path) -> None:
        write_json(entry / NOTE, asdict(self))


@dataclass(frozen=True)
class LearnReport:
    """All there is to tell of learning a task as a whole. tables: rows by name, each with its picture."""

    id: str
    domain: str
    task: str
    as_of: datetime
    metrics: Mapping[str, float]
    tags: Mapping[str, str] = field(default_factory=dict)
    tables: Mapping[str, tuple[Sequence[Mapping[str, object]], Figure]] = field(default_factory=dict)

    def write(self, entry: Path) -> None:
        at_ms = now_ms()
        points = tuple(Point(metric_name(name), 0, value, at_ms) for name, value in self.metrics.items())
        record = RunRecord(
            id=self.id,
            domain=self.domain,
            task=self.task,
            name=run_name("run", self.as_of),
            started_ms=at_ms,
            ended_ms=at_ms,
            tags={**self.tags, **SOURCE},
            points=points,
        )
        record.write(entry)
        for name, (rows, figure) in self.tables.items():
            import pandas as pd

            (entry / ARTIFACTS).mkdir(exist_ok=True)
            pd.DataFrame(rows).to_csv(entry / ARTIFACTS / f"{name}.csv", index=False)
            draw(entry, name, figure)


@dataclass(frozen=True)
class FitReport:
    """All there is to tell of one fit.

    id, parent: see RunRecord. metrics: by name or `name/slice`, those of the naive baseline among them. samples: of the
    machine while it was fitted. example, prediction: a few examples (without the label) and what the calibrated model
    makes of them. figures: by name. documents: texts by file name, the model card among them.
    """

    id: str
    parent: str
    as_of: datetime
    plan: FitPlan
    result: FitResult
    calibration: Calibration
    metrics: Mapping[str, float]
    tables: Sequence[TableRead]
    example: pa.Table
    prediction: pa.Table
    samples: Sequence[Sample] = ()
    figures: Mapping[str, Figure] = field(default_factory=dict)
    documents: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def write(self, entry: Path) -> None:
        """Everything as files of plain formats below `entry`: no pickle."""
        plan, ended_ms = self.plan, now_ms()
        workers = {f"worker_{of.rank}": _worker_text(of) for of in self.result.workers}
        own = {"headrace.fit_key": plan.key, "family": plan.family}
        begun = plan.warm_start
        if begun is not None:
            own |= {"headrace.warm_start": f"models:/{begun}", "headrace.warm_start_sha256": begun.sha256}
        record = RunRecord(
            id=self.id,
            domain=plan.domain,
            task=plan.task,
            name=run_name(plan.family, self.as_of),
            parent=self.parent,
            started_ms=ended_ms - round(1000 * self.result.seconds),
            ended_ms=ended_ms,
            tags={**self.tags, **own, **workers, **SOURCE},
            params=parameters(plan),
            points=self._points(ended_ms),
            tables=tuple(self.tables),
            models=(begun.model_id,) if begun else (),
        )
        record.write(entry)
        artifacts = entry / ARTIFACTS
        artifacts.mkdir()
        write_json(artifacts / "workers.json", {"workers": [vars(worker) for worker in self.result.workers]})
        if self.result.importance:
            write_json(artifacts / "importance.json", dict(self.result.importance))
        for name, text in self.documents.items():
            (artifacts / name).write_text(text, encoding="utf-8")
        for name, figure in self.figures.items():
            draw(entry, name, figure)
        self._write_model(entry / MODEL)

    def _points(self, ended_ms: int) -> tuple[Point, ...]:
        values = [Point(metric_name(name), 0, value, ended_ms) for name, value in self.metrics.items()]
        curves = [Point(metric_name(of.name), of.step, of.value, ended_ms) for of in self.result.curves]
        samples = [
            Point(name, step, value, sample.at_ms)
            for step, sample in enumerate(self.samples)
            for name, value in sample.values.items()
        ]
        return (*values, *curves, *samples)

    def _write_model(self, folder: Path) -> None:
        folder.mkdir()
        card = ModelCard.of(self.plan, self.result, self.calibration)
        (folder / card.file).write_bytes(self.result.model)
        (folder / CARD_FILE).write_text(card.text(), encoding="utf-8")
        for name, table in ((EXAMPLE, self.example), (PREDICTION, self.prediction)):
            with pa.OSFile(str(folder / name), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(table)


def read_rows(file: Path) -> pa.Table:
    """The rows of an Arrow file."""
    with pa.OSFile(str(file)) as source:
        return pa.ipc.open_file(source).read_all()


def run_name(what: str, as_of: datetime) -> str:
    """`xgboost@2014-12-31T00:00Z`."""
    return f"{what}@{as_of.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _worker_text(worker: object) -> str:
    of = vars(worker)
    return f"{of['rows']} rows, process {of['process_id']}, shard {of['shard_hash'][:12]}"


def draw(entry: Path, name: str, figure: Figure) -> None:
    """Put a figure where a run's figures go."""
    folder = entry / ARTIFACTS / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=150)


def write_json(file: Path, content: object) -> None:
    """As text that people may read."""
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
