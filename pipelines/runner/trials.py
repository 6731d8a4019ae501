"""One trial of a search: fits on windows of the development span, each judged on what comes after it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitError, FitPlan
from pipelines.contracts.splits import Purge, Share, Span
from pipelines.contracts.tasks import GLOBAL, ParamValue, Task
from pipelines.contracts.trials import Trial
from pipelines.metrics.losses import as_loss
from pipelines.models.base import families
from pipelines.runner.fits import GivenUp, core_seconds_of, current_plan, fitted
from pipelines.runner.selection import of_kept, selected
from pipelines.runner.warm_starts import must_not_know_more
from pipelines.runner.work import Stopwatch, Work
from pipelines.stages.rungs import least_losses, limits
from pipelines.stages.tune import is_behind

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Window:
    """One fit of a trial: train fits, validate stops early, judged tells what it is worth."""

    train: Span | Share
    validate: Span | Share
    purge: Purge
    judged: Span | Share

    def of(self, plan: FitPlan) -> FitPlan:
        """The plan on this window."""
        return replace(plan, train=self.train, validate=self.validate, purge=self.purge)


def windows(task: Task) -> tuple[Window, ...]:
    """The folds that the task declares; without any, its train span, judged on the validate span, which stops it too.

    None reaches into the calibrate span, where the champion is picked, or the test span.
    """
    spans = task.split.spans
    folds = tuple(Window(fold.train, fold.validate, fold.purge, fold.test) for fold in task.cross_validation)
    return folds or (Window(spans["train"], spans["validate"], task.split.purge, spans["validate"]),)


@dataclass(frozen=True)
class _Made:
    """One fit of a trial. rungs: as in Trial."""

    loss: float
    core_seconds: float
    rungs: tuple[float, ...]


class Bench:
    """Where the trials of one task and family are made. plan: on all features, with the parameters as declared."""

    def __init__(self, work: Work, task: Task, plan: FitPlan) -> None:
        self._work, self._task, self._plan = work, task, plan
        self._windows = windows(task)
        self._baseline = current_plan(work, task, task.promote.must_beat)

    @property
    def judged_on(self) -> str:
        """The spans that judge, in words."""
        if self._task.folds is None:
            return f"the validate span ({self._windows[0].judged})"
        return f"{len(self._windows)} folds up to {self._windows[-1].judged.end:%Y-%m-%dT%H:%MZ}"

    def plan_of(self, params: Mapping[str, ParamValue]) -> FitPlan:
        """The plan of a trial with these searched parameters, on the task's own spans."""
        return replace(self._plan, params={**self._plan.params, **params})

    def naive(self) -> list[float]:
        """The baseline's loss on each window."""
        baseline = self._task.promote.must_beat
        return [self._loss(place, baseline, {baseline: rows}) for place, rows in enumerate(self._rows)]

    def tried(
        self,
        number: int,
        params: Mapping[str, ParamValue],
        naive: Sequence[float],
        others: Sequence[Trial],
    ) -> Trial:
        """What comes of these parameters, window by window. naive: the baseline's losses.

        others: those that it is given up for where it is behind them, at a rung of a fit or after one but the last, by
        the loss so far in parts of the baseline's; with none it never is.
        """
        watch, losses, cores, many = Stopwatch(), [], 0.0, len(self._windows)
        course: dict[int, float] = {}
        rungs: list[tuple[float, ...]] = []
        why = ""
        try:
            for place in range(many):
                made = self._on(place, params, others)
                losses.append(made.loss)
                cores += made.core_seconds
                rungs.append(made.rungs)
                course[place + 1] = sum(losses) / (sum(naive[: place + 1]) or 1.0)
                if place + 1 < many and is_behind(course, others, warm_up=0):
                    why = f"behind after {place + 1} of {many} folds"
                    break
        except GivenUp as given_up:
            why = f"behind after {given_up.step + 1} steps of fit {len(losses) + 1} of {many}"
            cores += given_up.core_seconds
            reached = [step for step in self._rungs(params) if step <= given_up.step]
            rungs.append(least_losses(given_up.curves, reached))
        except FitError as failure:
            return Trial(number, params, "failed", None, {}, watch.seconds, cores, str(failure))
        if why:
            return Trial(number, params, "pruned", None, course, watch.seconds, cores, why, tuple(rungs))
        loss = sum(losses) / len(losses)
        return Trial(number, params, "judged", loss, course, watch.seconds, cores, "", tuple(rungs))

    def _rungs(self, params: Mapping[str, ParamValue]) -> tuple[int, ...]:
        """Where a fit can be compared on its way. Not where no label is looked at, since a detector that explains its
        rows better finds no more of what is odd; nor where a fit is of many models."""
        if self._plan.is_unlabelled or self._plan.scope != GLOBAL:
            return ()
        return families()[self._plan.family].rungs(self.plan_of(params).params)

    def _on(self, place: int, params: Mapping[str, ParamValue], others: Sequence[Trial]) -> _Made:
        """What comes of these parameters on a window."""
        from pipelines.engines.predictions import Model, predictions

        window, task, work = self._windows[place], self._task, self._work
        plan = of_kept(window.of(self.plan_of(params)), selected(work, task, window.of(self._baseline)))
        must_not_know_more(plan)
        rungs = self._rungs(params)
        result = fitted(work, plan, limits(rungs, place, others))
        model = Model(plan.family, result.model, scope=plan.scope)
        rows = predictions(work.context.spark(), model, plan, {"judged": window.judged}).toArrow()
        loss = self._loss(place, plan.family, {plan.family: rows, task.promote.must_beat: self._rows[place]})
        return _Made(loss, core_seconds_of(work, plan), least_losses(result.curves, rungs))

    def _loss(self, place: int, family: str, rows: Mapping[str, pa.Table]) -> float:
        """What the task promotes by, of a family's predictions beside the baseline's."""
        from pipelines.stages.evaluate import judge

        task, span = self._task, self._windows[place].judged
        metrics = judge(rows, task, f"the span {span}")[family]
        loss = as_loss(task.promote.metric, metrics.get(task.promote.metric, math.nan))
        if not math.isfinite(loss):
            raise FitError(f"{task.name}: {family}: {task.promote.metric} on {span} is no number")
        return loss

    @cached_property
    def _rows(self) -> Sequence[pa.Table]:
        """The baseline's predictions on each window."""
        from pipelines.engines.predictions import Model, predictions

        found = []
        for window in self._windows:
            plan = window.of(self._baseline)
            model = Model(plan.family, fitted(self._work, plan).model, scope=plan.scope)
            found.append(predictions(self._work.context.spark(), model, plan, {"judged": window.judged}).toArrow())
        return found
