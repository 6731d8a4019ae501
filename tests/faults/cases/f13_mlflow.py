"""F13: MLflow is down, slow, failing or locked, and every result is logged later, once; the last champion serves on."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from deltalake import DeltaTable, QueryBuilder

from pipelines import runner
from pipelines.contracts.fits import Calibration, FitPlan, FitResult, Workspace
from pipelines.contracts.tasks import Span
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.io.failures import TrackingError
from pipelines.io.ledger import Ledger
from pipelines.io.registry import Registry
from pipelines.io.run_records import FitReport, LearnReport, Note, TableRead
from pipelines.io.spool import Spool
from pipelines.io.tracking import RUN_ID_TAG, Tracking
from pipelines.models.base import families
from pipelines.settings import Settings, load
from tests.faults.harness import Case, Finding
from tests.faults.mlflow_server import WAYS, MlflowServer, mlflow_server
from tests.faults.place import Place
from tests.overlay import write_overlay
from tests.tiny_gold import day, plan_for, write_gold

FAULT, WHERE = "F13", "train, score"
QUICK, FULL = 7, 60
_OF_RUNS = 5  # every so many cases one is a run of all stages, the others tell a fit and register it
_WAYS = (*WAYS, "locked")
_AS_OF = datetime(2024, 2, 9, tzinfo=UTC)
_CALIBRATION = Calibration({0.1: 0.0, 0.5: 0.0, 0.9: 0.0}, "some days")
_TIMEOUT_SECONDS = "2"
_START, _FIRST_DAYS = datetime(2024, 1, 1, tzinfo=UTC), 63


@dataclass(frozen=True)
class _World:
    """The server and what is told: a fitted plan."""

    folder: Path
    server: MlflowServer
    settings: Settings
    plan: FitPlan
    result: FitResult

    def of(self, way: str) -> Settings:
        """The settings with the store that fails in this way: an SQLite file can be locked, a server the rest."""
        uri = f"sqlite:///{self.folder}/locked.db" if way == "locked" else self.server.uri
        mlflow = replace(self.settings.mlflow, tracking_uri=uri, artifacts=f"{self.folder}/of-locked")
        return replace(self.settings, mlflow=mlflow)


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """By turns every way to fail; at which of the requests it begins is drawn."""
    os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = _TIMEOUT_SECONDS
    with mlflow_server(place.folder / "server") as server:
        world = _world(place.folder, server)
        for task in ("first", "second"):  # the first one asks more, such as the server's version
            server.mend()
            wrong, requests = _told(world, task, "refused", None)
            assert wrong == [], f"undisturbed, and still: {wrong}"
        for turn in range(number):
            chance = random.Random(seed + turn)
            is_run = turn % _OF_RUNS == _OF_RUNS - 1
            way = _WAYS[(turn // _OF_RUNS if is_run else turn) % len(_WAYS)]
            at = 1 if way == "locked" else chance.randint(1, requests)
            where = f"the store {way} from request {at} on"
            if is_run:
                yield Case(seed + turn, f"a run, {where}", partial(_a_run, world, way, at))
            else:
                yield Case(seed + turn, f"telling, {where}", partial(_telling, world, f"t{turn}", way, at))


def _telling(world: _World, task: str, way: str, at: int, _: Place) -> Finding:
    problems, _ = _told(world, task, way, at)
    return Finding("mended", tuple(problems), int(_has_struck(world, way)))


def _told(world: _World, task: str, way: str, at: int | None) -> tuple[list[str], int]:
    """Tell and register a fit while the store fails, then once more when it is mended; what is wrong afterwards, and
    how many requests came. at: None for telling it undisturbed, once."""
    settings, plan = world.of(way), replace(world.plan, task=task)
    spool = Spool(world.folder / "spool" / task)
    parent, child = uuid4().hex, uuid4().hex
    spool.add(1, LearnReport(parent, plan.domain, task, _AS_OF, {"value": 1.0}).write)
    spool.add(1, _report(world, plan, child, parent).write)
    spool.add(2, Note.of(child, {"decision/value": 2.0}).write)
    problems = []
    if at is not None:
        with _failing(world, way, at):
            try:
                _tell(settings, spool, child, task)
            except TrackingError as failure:
                if "\n" in str(failure) or "MLflow at" not in str(failure):
                    problems.append(f"not one line that names the store: {failure}")
            else:
                # one answer alone may be one that MLflow does without
                if way not in ("late", "lost"):
                    problems.append("it was told that all was well")
        _tell(settings, spool, child, task)
        time.sleep(0.3)  # what a server that was stopped still had to do
        again = uuid4().hex
        spool.add(3, LearnReport(again, plan.domain, task, _AS_OF, {}).write)
    number = _tell(settings, spool, child, task)
    asked = world.server.asked
    if spool.entries():
        problems.append("entries are left in the spool")
    runs, versions, alias = _seen(settings, plan.domain, task)
    wanted = {parent, child} if at is None else {parent, child, again}
    if sorted(runs) != sorted(wanted):
        problems.append(f"{len(runs)} runs for {len(wanted)} records")
    elif (faulty := _incomplete(runs, parent, child)) is not None:
        problems.append(faulty)
    if (versions, alias) != ([number], number):
        problems.append(f"versions {versions}, alias at {alias}, registered {number}")
    return problems, asked


def _tell(settings: Settings, spool: Spool, child: str, task: str) -> int:
    """What a run does: log what waits, register, point the alias."""
    tracking, registry, name = Tracking(settings), Registry(settings), f"tiny-{task}"
    for entry in spool.entries():
        tracking.log(entry.folder)
        spool.drop(entry)
    number = registry.register(tracking.logged(child), name, {"why": "best"})
    registry.load(name, number)
    registry.point_alias(name, "champion", number)
    return number


@contextmanager
def _failing(world: _World, way: str, at: int) -> Iterator[None]:
    """The store fails inside, and is mended at the end."""
    if way == "locked":
        with closing(sqlite3.connect(world.folder / "locked.db", isolation_level=None)) as lock:
            lock.execute("PRAGMA locking_mode = EXCLUSIVE")
            lock.execute("BEGIN EXCLUSIVE")
            yield
            lock.execute("ROLLBACK")
        return
    world.server.fail(way, at)
    try:
        yield
    finally:
        world.server.mend()


def _has_struck(world: _World, way: str) -> bool:
    """Whether a request has failed; a run may be over before the one at which it was to begin."""
    return way == "locked" or world.server.has_struck


def _seen(settings: Settings, domain: str, task: str) -> tuple[dict[str, Any], list[int], int]:
    """The runs by our id (a second one of the same id has a name of its own), versions, and where the alias points."""
    import mlflow

    client = mlflow.MlflowClient(settings.mlflow.tracking_uri, settings.mlflow.tracking_uri)
    experiment = client.get_experiment_by_name(f"/{domain}/{task}")
    runs: dict[str, Any] = {}
    for run in client.search_runs([experiment.experiment_id]):
        id = run.data.tags.get(RUN_ID_TAG, "none")
        files = {file.path for file in client.list_artifacts(run.info.run_id)}
        runs[f"{id} again" if id in runs else id] = (run, files)
    name = f"{domain}-{task}"
    versions = sorted(int(of.version) for of in client.search_model_versions(f"name = '{name}'"))
    return runs, versions, int(client.get_model_version_by_alias(name, "champion").version)


def _incomplete(runs: Mapping[str, Any], parent: str, child: str) -> str | None:
    """What a run lacks of what was to be told."""
    (above, _), (run, files) = runs[parent], runs[child]
    if run.data.tags.get("mlflow.parentRunId") != above.info.run_id:
        return "the fit is not nested in its run"
    if {of.info.status for of in (above, run)} != {"FINISHED"}:
        return f"states {above.info.status}, {run.info.status}"
    if (run.data.metrics.get("mae"), run.data.metrics.get("decision/value")) != (7.5, 2.0):
        return f"metrics {run.data.metrics}"
    if above.data.metrics != {"value": 1.0, "decision/value": 2.0}:
        return f"metrics of the parent {above.data.metrics}"
    if len(run.inputs.dataset_inputs) != 1 or "rounds" not in run.data.params:
        return "inputs or parameters are missing"
    return None if {"model_card.md", "workers.json"} <= files else f"artifacts {sorted(files)}"


def _world(folder: Path, server: MlflowServer) -> _World:
    overlay = write_overlay(folder, folder / "root", samples=False)
    with overlay.open("a") as lines:
        lines.write("training:\n  workers: 1\n  engines: {linear: single}\n")
    workspace = Workspace(folder / "fit")
    workspace.path.mkdir()
    plan = plan_for("xgboost", write_gold(folder), rounds=3)
    result = fit(plan, workspace, None, FileRecorder(workspace))
    return _World(folder, server, load(overlay), plan, result)


def _report(world: _World, plan: FitPlan, id: str, parent: str) -> FitReport:
    example = examples_of(plan, Span(day(34), day(35))).drop_columns(["label"])
    return FitReport(
        id=id,
        parent=parent,
        as_of=_AS_OF,
        plan=plan,
        result=world.result,
        calibration=_CALIBRATION,
        metrics={"mae": 7.5},
        tables=[TableRead("gold.tiny_load", "/data/load", 3, 1920)],
        example=example,
        prediction=families()[plan.family].scorer(world.result.model).predict(example),
        documents={"model_card.md": "# tiny"},
    )


# Runs of all stages.


def _run(world: _World, settings: Settings) -> runner.Outcome:
    with (world.folder / "run.log").open("a") as told, redirect_stdout(told):
        return runner.run(settings, names=["spring"])


def _of_run(world: _World, way: str) -> Settings:
    """A root for each store, since what a ledger calls registered must be in its store."""
    root = world.folder / ("root-of-locked" if way == "locked" else "root-of-server")
    settings = world.of(way)
    return replace(
        settings,
        root=str(root),
        drops=root / "drops",
        ledger=f"sqlite:///{root}/ledger.db",
        outbox=replace(settings.outbox, path=root / "outbox"),
    )


def _drop(settings: Settings) -> None:
    """The flow of the first weeks, then of a day more each time, as one file, dated with the day after."""
    there = len([*settings.drops.glob("spring/gauge/*.csv")])
    days = range(_FIRST_DAYS + there - 1, _FIRST_DAYS + there) if there else range(_FIRST_DAYS)
    lines = ["spring_id,read_at,flow_lps"]
    for number in days:
        noise = np.random.default_rng(number).normal(0.0, 1.0, 4)
        for part in range(4):
            at = _START + timedelta(days=number, hours=6 * part)
            lines.append(f"s,{at.isoformat()},{10 + noise[part]:.4f}")
    file = settings.drops / "spring" / "gauge" / f"{_START + timedelta(days=days.stop):%Y-%m-%d}.csv"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n")


def _a_run(world: _World, way: str, at: int, _: Place) -> Finding:
    """A new day comes while the store fails: it is scored by the champion that there is; then all is told and made."""
    settings = _of_run(world, way)
    if not settings.drops.exists():
        _drop(settings)
        undisturbed = _run(world, settings).failures
        assert undisturbed == {}, f"undisturbed, and still: {undisturbed}"
    ledger, problems = Ledger(settings.ledger), []
    champion = ledger.champions("spring", "flow_lps")[-1]
    _drop(settings)
    before = _predicted(settings)
    with _failing(world, way, at):
        outcome = _run(world, settings)
    has_struck = _has_struck(world, way)
    if has_struck and not outcome.failures and way not in ("late", "lost"):
        problems.append("the run said that it was complete")
    if any("\n" in told for told in outcome.failures.values()):
        problems.append(f"not one line: {outcome.failures}")
    if len(_predicted(settings)) <= len(before):
        problems.append(f"nothing was scored: {outcome.failures}")
    reached = "; ".join(outcome.failures.values()) or "nothing was hindered"
    again = _run(world, settings)
    if again.failures:
        problems.append(f"the run that mends: {again.failures}")
    runs, versions, alias = _seen(settings, "spring", "flow_lps")
    if any("again" in id for id in runs):
        problems.append("a run is there twice")
    fits = {of.run_id for of in ledger.fits("spring", "flow_lps").values()}
    if not fits <= set(runs):
        problems.append("a fit was never logged")
    champions = ledger.champions("spring", "flow_lps")
    if versions != sorted({of.version for of in champions}) or alias != champions[-1].version:
        problems.append(f"versions {versions}, alias at {alias}, champions {[of.version for of in champions]}")
    if champions[-1] == champion:
        problems.append("the new model was never registered")
    return Finding(reached[:80], tuple(problems), int(has_struck))


def _predicted(settings: Settings) -> list[dict[str, Any]]:
    """Cut-offs that are predicted and published."""
    import pyarrow as pa

    pin = Ledger(settings.ledger).pins("spring")["gold.spring_flow_lps_predictions"]
    of = QueryBuilder().register("t", DeltaTable(pin.path, version=pin.version))
    return list(pa.table(of.execute("SELECT DISTINCT cut_at FROM t")).to_pylist())
