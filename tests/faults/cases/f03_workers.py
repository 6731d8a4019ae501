"""F3: a Python worker of Spark, its JVM, or a rank of a net is killed; its work is done again, to the same result."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import psutil
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from pipelines.contracts.fits import FitError, FitPlan, FitResult, Shard, Workspace
from pipelines.contracts.tasks import ParamValue
from pipelines.engines import fit
from pipelines.engines.predictions import Model, predictions
from pipelines.engines.recorder import FileRecorder
from tests.faults.harness import Blow, Case, Finding, mended
from tests.faults.place import Place
from tests.faults.site import Site
from tests.tiny_gold import plan_for, write_gold

FAULT, WHERE = "F3", "gold, train, score"
QUICK, FULL = 5, 64  # of five deaths one comes when the work is over, and 50 are to strike
_OF_RUNS = 4  # every so many cases one is a run from land to gold, the others a fit or a batch of predictions
_LONGEST_S = 60  # so long after the blow nothing may hang; twice that is allowed for the work itself
_NET = {"epochs": 60, "patience": 60, "hidden": 8, "origins_every": 7, "batch": 32}
_TREES = {"rounds": 300, "patience": 300, "segment": 50}
_FITS = {"horovod": ("lstm", _NET), "torch_ddp": ("lstm", _NET), "xgboost_spark": ("xgboost", _TREES)}
_SHORT = {"lstm": {"epochs": 1, "patience": 1}, "xgboost": {"rounds": 1, "patience": 1}}


def cases(place: Place, number: int, seed: int) -> Iterator[Case]:
    """By turns each engine's fit, a batch of predictions, and a run of which a worker or the whole JVM is killed."""
    gold = place.folder / "gold"
    gold.mkdir()
    tables = write_gold(gold)
    undisturbed: dict[str, tuple[FitResult, float]] = {}
    kinds = [*_FITS, "score"]
    for turn in range(number):
        draw = random.Random(seed + turn)
        if turn % _OF_RUNS == _OF_RUNS - 1:
            victim = ("a Python worker", "the JVM")[turn // _OF_RUNS % 2]
            share = draw.uniform(0.3, 0.95)
            blow = Blow(f"{victim} at {share:.0%} of an undisturbed run", partial(_strike_run, victim, share))
            yield Case(seed + turn, blow.point, mended([blow]))
            continue
        kind = kinds[(turn - turn // _OF_RUNS) % len(kinds)]
        share = draw.uniform(0.2, 0.9)
        of = partial(_score if kind == "score" else _fit, kind, tables, undisturbed, share, turn)
        yield Case(seed + turn, f"{kind}, a worker at {share:.0%} of its time", of)


def _fit(
    engine: str, tables: dict[str, Shard], undisturbed: dict[str, tuple[FitResult, float]], share: float, turn: int,
    place: Place,
) -> Finding:  # fmt: skip
    spark, plan = _spark(place), _plan(engine, tables)
    if engine not in undisturbed:
        # the first one also starts what later ones find started
        _fitted(_plan(engine, tables, **_SHORT[plan.family]), place, f"{engine}-warm", spark)
        undisturbed[engine] = _fitted(plan, place, f"{engine}-undisturbed", spark)
    wanted, seconds = undisturbed[engine]
    with_blow = _Killer(share * seconds, lambda: _ranks(place, f"{engine}-{turn}") or _python_workers())
    found, taken, tries = None, 0.0, 0
    problems = []
    while found is None and tries < 3:
        tries += 1
        try:
            found, more = _fitted(plan, place, f"{engine}-{turn}", spark)
            taken += more
        except FitError as error:
            if "\n" in str(error):
                problems.append(f"not told in one line: {error}")
    with_blow.end()
    if found is None:
        problems.append("it did not end well, however often it was begun again")
    elif (found.model, found.curves) != (wanted.model, wanted.curves):
        problems.append("another model than undisturbed")
    if taken > 2 * seconds + _LONGEST_S:
        problems.append(f"it took {taken:.0f} s, undisturbed {seconds:.0f}")
    reached = f"killed {with_blow.killed or 'nobody: it was over'}, begun {tries} times"
    return Finding(reached, tuple(problems), 1 if with_blow.killed else 0)


def _score(
    _: str, tables: dict[str, Shard], undisturbed: dict[str, tuple[FitResult, float]], share: float, turn: int,
    place: Place,
) -> Finding:  # fmt: skip
    spark = _spark(place)
    plan = replace(_plan("xgboost_spark", tables), engine="single")
    if "score" not in undisturbed:
        undisturbed["score"] = _fitted(plan, place, "score", spark)
    model = Model(plan.family, undisturbed["score"][0].model)

    def scored() -> str:
        rows = predictions(spark, model, plan, {"train": plan.train, "validate": plan.validate}).toArrow()
        ordered = rows.sort_by([(name, "ascending") for name in ("region_id", "cut_at", "step")])
        return hashlib.sha256(str(ordered.to_pylist()).encode()).hexdigest()

    began = time.monotonic()
    wanted = scored()
    seconds = time.monotonic() - began
    killer, found, tries = _Killer(0.3 * share * seconds, _python_workers), "", 0
    began = time.monotonic()
    while not found and tries < 3:
        tries += 1
        try:
            found = scored()
        except (Py4JJavaError, PySparkException) as error:
            if "worker" not in str(error).lower():
                return Finding("killed", (f"told as something else: {str(error)[:200]}",))
    killer.end()
    problems = [] if found == wanted else ["other predictions than undisturbed"]
    if time.monotonic() - began > 3 * seconds + _LONGEST_S:
        problems.append("it hung")
    reached = f"killed {killer.killed or 'nobody: it was over'}, begun {tries} times"
    return Finding(reached, tuple(problems), 1 if killer.killed else 0)


def _strike_run(victim: str, share: float, site: Site) -> tuple[list[int], list[str]]:
    seconds = site.seconds
    site.reset()
    began = time.monotonic()
    with site.ingest() as process:
        of = partial(_python_workers, process.pid) if victim == "a Python worker" else partial(_jvms, process.pid)
        killer = _Killer(share * seconds, of)
        process.wait()
        killer.end()
    problems = []
    if time.monotonic() - began > 3 * seconds + _LONGEST_S:
        problems.append(f"it hung: {time.monotonic() - began:.0f} s, undisturbed {seconds:.0f}")
    if victim == "the JVM" and killer.killed and process.returncode == 0:
        problems.append("the JVM was killed, and it was told that all was well")
    return [process.returncode], problems


class _Killer:
    """Kills one of the candidates, as soon as there is one after so many seconds; killed: which, once it is done."""

    def __init__(self, after_s: float, candidates: Callable[[], list[psutil.Process]]) -> None:
        self.killed = ""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._strike, args=(after_s, candidates), daemon=True)
        self._thread.start()

    def _strike(self, after_s: float, candidates: Callable[[], list[psutil.Process]]) -> None:
        self._over.wait(after_s)
        while not self._over.wait(0.02):
            for process in candidates():
                try:
                    os.kill(process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
                self.killed = f"process {process.pid}"
                return

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def _children(process_id: int | None) -> list[tuple[psutil.Process, str]]:
    found = []
    try:
        for child in psutil.Process(process_id).children(recursive=True):
            try:
                found.append((child, " ".join(child.cmdline())))
            except psutil.Error:
                continue  # it ended between being listed and being asked
    except psutil.NoSuchProcess:
        pass
    return found


def _python_workers(process_id: int | None = None) -> list[psutil.Process]:
    """Spark's, which its daemon forks; the daemon itself is none."""
    daemons = {child.pid for child, told in _children(process_id) if "pyspark.daemon" in told}
    forked = [child for child, told in _children(process_id) if "pyspark.daemon" in told]
    return [child for child in forked if _parent(child) in daemons]


def _jvms(process_id: int) -> list[psutil.Process]:
    return [child for child, told in _children(process_id) if "org.apache.spark.deploy.SparkSubmit" in told]


def _ranks(place: Place, name: str) -> list[psutil.Process]:
    """The ranks of a fit by the files in which they left their process ids."""
    found = []
    for file in (place.folder / name).glob("rank-*.pid"):
        try:
            found.append(psutil.Process(int(file.read_text())))
        except (psutil.NoSuchProcess, ValueError, FileNotFoundError):
            continue
    return found


def _parent(process: psutil.Process) -> int:
    try:
        return int(process.ppid())
    except psutil.Error:
        return -1


def _spark(place: Place) -> SparkSession:
    assert place.site  # its undisturbed runs start the session
    return SparkSession.builder.getOrCreate()


def _plan(engine: str, tables: dict[str, Shard], **other: ParamValue) -> FitPlan:
    family, params = _FITS[engine]
    return plan_for(family, tables, engine=engine, workers=2, **{**params, **other})


def _fitted(plan: FitPlan, place: Place, name: str, spark: SparkSession) -> tuple[FitResult, float]:
    began, workspace = time.monotonic(), Workspace(place.folder / name)
    result = fit(plan, workspace, lambda: spark, FileRecorder(workspace))
    return result, time.monotonic() - began
