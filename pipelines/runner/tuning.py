"""tune: a search for a family's parameters within a budget, which goes on where it was left."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.contracts.fits import FitError
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tasks import ParamValue, Task
from pipelines.contracts.trials import Trial
from pipelines.io import fault
from pipelines.io.failures import TrackingError, UnknownNameError
from pipelines.io.integrity import damage_named
from pipelines.io.run_records import TableRead, now_ms
from pipelines.io.spool import Spool
from pipelines.io.studies import Study
from pipelines.io.tracking import Tracking
from pipelines.io.tune_records import StudyReport
from pipelines.metrics.losses import GAINS, LOSSES, loss_name
from pipelines.metrics.study_figure import history
from pipelines.models.base import families as all_families
from pipelines.models.search_space import search_space
from pipelines.runner.chosen import task_meant
from pipelines.runner.failures import EXPECTED
from pipelines.runner.fits import current_plan
from pipelines.runner.trials import Bench
from pipelines.runner.warm_starts import warm_started
from pipelines.runner.work import Context, Stopwatch, Work, fingerprint
from pipelines.settings import Settings
from pipelines.stages import tune as stage
from pipelines.stages.rungs import saved
from pipelines.stages.train import SEED, gold_tables

STAGE = "tune"


@dataclass(frozen=True)
class Budget:
    """trials: of a study in all, those of earlier commands included; minutes: after which this command begins none."""

    trials: int
    minutes: int

    def __str__(self) -> str:
        return f"{self.trials} trials, {self.minutes} minutes"


@dataclass(frozen=True)
class Found:
    """What a study has come to. params: of the family in the task's declaration; naive: the baseline's loss."""

    domain: str
    task: Task
    family: str
    params: Mapping[str, ParamValue]
    judged_on: str
    budget: Budget
    ended: str
    trials: tuple[Trial, ...]
    declared: Trial
    naive: float
    seconds: float

    @property
    def best(self) -> Trial:
        return stage.best(self.trials)

    @property
    def cheapest(self) -> Trial:
        return stage.cheapest(self.trials)


@dataclass(frozen=True)
class Outcome:
    """failures: why a family could not be tuned, or its trials not be logged, by family."""

    found: tuple[Found, ...]
    failures: Mapping[str, str]


def tune(
    settings: Settings,
    domain_name: str,
    task_name: str,
    families: Sequence[str],
    budget: Budget,
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Search parameters for families of a task, by default all that declare ranges, each with the whole budget.

    Nothing is published: a study is kept below `tuning/` in the data root and logged to MLflow, a run for each trial.
    The domain's lease is held, so a run of it waits. clock: what the budget's minutes are told by. UnknownNameError for
    what is not there to be tuned.
    """
    domain, task = task_meant(domain_name, task_name)
    chosen = _tunable(task, families)
    watch, found, failures = Stopwatch(), [], {}
    context = Context.opened(settings, watch.say)
    with context.leased(domain) as leased:
        work = Work(leased, domain, STAGE)
        work.needs(STAGE, gold_tables(domain, task), "Run the stage gold first")
        for family in chosen:
            try:
                with damage_named():
                    search = Search(work, task, family, budget, Stopwatch(clock))
                    found.append(search.carry_out())
                    search.tell()
            except EXPECTED as failure:
                failures[f"{domain.name}/{task.name}: {family}"] = str(failure)
    return Outcome(tuple(found), failures)


def _tunable(task: Task, wanted: Sequence[str]) -> list[str]:
    """The families meant, all of which declare what can be searched."""
    known = all_families()
    ranged = [name for name in task.families if name in known and any(p.search for p in known[name].params)]
    for name in dict.fromkeys(wanted):
        if name not in task.families:
            raise UnknownNameError(f"task '{task.name}' has no family '{name}'. It has: {', '.join(task.families)}")
        if name not in ranged:
            others = f"Of the task's families these do: {', '.join(ranged)}" if ranged else "Nor does any of the task's"
            raise UnknownNameError(f"family '{name}' declares no search range, so there is nothing to tune. {others}")
    if not ranged:
        raise UnknownNameError(f"no family of the task '{task.name}' declares a search range; nothing to tune")
    if task.promote.metric not in LOSSES + GAINS:
        metrics = ", ".join(LOSSES + GAINS)
        raise DeclarationError(f"task '{task.name}': nothing is tuned by '{task.promote.metric}'; there are: {metrics}")
    return list(dict.fromkeys(wanted)) or ranged


class Search:
    """One family's study in one command."""

    def __init__(self, work: Work, task: Task, family: str, budget: Budget, watch: Stopwatch) -> None:
        self._work, self._task, self._budget, self._watch = work, task, budget, watch
        plan = warm_started(work.context, task, current_plan(work, task, family))
        self._plan = plan
        self._space = search_space(all_families()[family], plan.params)
        self._declared = {name: plan.params[name] for name in self._space}
        fixed = replace(plan, params={name: of for name, of in plan.params.items() if name not in self._space})
        made_of = fingerprint(fixed.key, sorted(self._space.items()), task.folds, task.select, task.promote.metric)
        self._name = f"{family}-{made_of[:16]}"
        self._folder = work.context.folder("tuning") / work.domain.name / task.name
        self._study = Study(self._folder / "studies.db", self._name, self._space)
        self._spool = Spool(self._folder / "spool" / self._name)
        self._bench = Bench(work, task, plan)
        self._untold: TrackingError | None = None

    def carry_out(self) -> Found:
        """Make trials until the budget is spent or nothing is left to try. FitError where not even the declared
        parameters can be fitted."""
        task, trials = self._task, list(self._study.trials())
        self._say(f"{self._bench.judged_on} judges by {loss_name(task.promote.metric)}; budget: {self._budget}")
        if trials or self._study.left_behind:
            again = f", {self._study.left_behind} that a dead run left is made again" if self._study.left_behind else ""
            self._say(f"the study goes on: {len(trials)} trials were made before{again}")
        self._tell_trials()
        while not (ended := self._why_ended(trials)):
            params = self._next(trials)
            if params is None:
                ended = "every combination was tried"
                break
            trials.append(self._made(params, trials))
            self._tell_trials()
        declared = self._of_declared(trials)
        assert declared is not None, "the declared parameters are tried first"
        return Found(
            self._work.domain.name,
            task,
            self._plan.family,
            task.params.get(self._plan.family, {}),
            self._bench.judged_on,
            self._budget,
            ended,
            tuple(trials),
            declared,
            self._naive,
            self._watch.seconds,
        )

    def tell(self) -> None:
        """Bring the study's run in MLflow up to what the study is by now. TrackingError where MLflow does not take it,
        or did not take a trial; the same command tells it later."""
        trials, metric = self._study.trials(), loss_name(self._task.promote.metric)
        declared = self._of_declared(trials)
        assert declared is not None and declared.loss is not None, "a study without it has failed"
        best, cheapest = stage.best(trials), stage.cheapest(trials)
        losses = {"best": best.loss, "declared": declared.loss, "cheapest": cheapest.loss, "naive": self._naive}
        cores = {"best": best, "declared": declared, "cheapest": cheapest}
        metrics = {
            **{f"{metric}/{name}": loss for name, loss in losses.items() if loss is not None},
            **{f"core_seconds/{name}": trial.core_seconds for name, trial in cores.items()},
            **{f"importance/{name}": value for name, value in stage.importance(self._space, trials).items()},
            "trials": float(len(trials)),
            "trials/pruned": float(sum(trial.fate == "pruned" for trial in trials)),
            "core_seconds/saved": sum(saved(trial, trials) for trial in trials),
            "trials/failed": float(sum(trial.fate == "failed" for trial in trials)),
        }
        picture = history(
            trials,
            best=best,
            cheapest=cheapest,
            declared=declared,
            naive=self._naive,
            metric=metric,
            subject=f"{self._task.name}: {self._plan.family}",
        )
        self._untold = None
        self._tell_trials()
        if self._untold is not None:
            raise TrackingError(f"{self._untold}. The study is kept: the same command tells it later")
        with TemporaryDirectory(prefix="headrace-") as folder:
            self._report.write(Path(folder), trials, metrics, best.params, picture)
            Tracking(self._work.context.settings).renew(Path(folder))

    def _why_ended(self, trials: Sequence[Trial]) -> str:
        """Why no trial may begin any more, "" if one may; the declared parameters may always."""
        if self._of_declared(trials) is None:
            return ""
        if len(trials) >= self._budget.trials:
            return f"{len(trials)} trials are made"
        return f"{self._budget.minutes} minutes are over" if self._watch.seconds >= 60 * self._budget.minutes else ""

    def _next(self, trials: Sequence[Trial]) -> Mapping[str, ParamValue] | None:
        if self._of_declared(trials) is None:
            return self._declared
        return stage.suggested(self._space, trials, SEED)

    def _made(self, params: Mapping[str, ParamValue], trials: Sequence[Trial]) -> Trial:
        """One trial, on record in the spool and then in the study: what is in the study is sure to be told."""
        begun = self._study.begin(params)
        is_declared = params == self._declared
        made = self._bench.tried(
            len(trials) + 1,
            params,
            self._naive_of_windows,
            () if is_declared else trials,
        )
        if is_declared and made.fate == "failed":
            raise FitError(f"the declared parameters cannot be judged: {made.why}")
        fault.point("tune:judged")
        metric, plan = loss_name(self._task.promote.metric), self._bench.plan_of(params)
        told = {metric: made.loss, f"naive_{metric}": self._naive} if made.loss is not None else {}
        self._spool.add(made.number, self._report.trial(made, plan, told).write)
        fault.point("tune:spooled")
        self._study.end(begun, made)
        self._say(f"trial {made.number} of {self._budget.trials}: {self._came_to(made, trials)}")
        return made

    def _came_to(self, made: Trial, trials: Sequence[Trial]) -> str:
        others = {name: value for name, value in made.params.items() if value != self._declared[name]}
        what = ", ".join(f"{name} {value}" for name, value in others.items()) or "as declared"
        came_to = made.why if made.loss is None else f"{loss_name(self._task.promote.metric)} {made.loss:,.4g}"
        spared = saved(made, trials)
        saving = f", about {spared:.1f} saved" if spared else ""
        return f"{came_to}, {made.core_seconds:.1f} core-s{saving} ({what})"

    def _of_declared(self, trials: Sequence[Trial]) -> Trial | None:
        return next((trial for trial in trials if trial.params == self._declared and trial.loss is not None), None)

    @cached_property
    def _naive_of_windows(self) -> Sequence[float]:
        """The baseline's loss on each window, measured once a study."""
        kept = self._study.noted()
        return kept or self._study.note(self._bench.naive())

    @property
    def _naive(self) -> float:
        return sum(self._naive_of_windows) / len(self._naive_of_windows)

    @cached_property
    def _report(self) -> StudyReport:
        work, as_of = self._work, self._work.context.as_of_for(self._work.domain)
        assert as_of is not None, "gold exists, so something was delivered"
        shards = self._plan.tables.items()
        tables = [TableRead(name, work.path(name), shard.version, work.count(name)) for name, shard in shards]
        return StudyReport(
            self._name, self._plan, as_of, now_ms(), str(self._budget), self._bench.judged_on, tuple(tables)
        )

    def _tell_trials(self) -> None:
        """Log the trials that wait. Once MLflow did not answer, it is not asked again before the end."""
        if self._untold is not None:
            return
        tracking = Tracking(self._work.context.settings)
        try:
            tracking.open(self._report.opened)
            for entry in self._spool.entries():
                tracking.log(entry.folder)
                self._spool.drop(entry)
        except TrackingError as failure:
            self._untold = failure
            self._say(f"{failure}. The search goes on; its trials wait in {self._spool.folder}")

    def _say(self, what: str) -> None:
        self._work.say(STAGE, f"{self._task.name}: {self._plan.family}: {what}")
