"""What there is to tell of a search for parameters: a run for the study, and one for each trial, nested in it."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan
from pipelines.contracts.tasks import ParamValue
from pipelines.contracts.trials import Trial
from pipelines.io.mlflow_shapes import metric_name, parameters
from pipelines.io.run_records import ARTIFACTS, SOURCE, Point, RunRecord, TableRead, draw, now_ms, run_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class StudyReport:
    """A study as its run tells it. id: the study's name; plan: with the parameters as declared; budget, judged_on: in
    words; metrics: what it came to by now."""

    id: str
    plan: FitPlan
    as_of: datetime
    started_ms: int
    budget: str
    judged_on: str
    tables: Sequence[TableRead] = ()

    @property
    def opened(self) -> RunRecord:
        """The run as it is when the search begins."""
        plan = self.plan
        told = {"headrace.budget": self.budget, "headrace.judged_on": self.judged_on, "headrace.study": self.id}
        return RunRecord(
            id=self.id,
            domain=plan.domain,
            task=plan.task,
            name=run_name(f"tune {plan.family}", self.as_of),
            started_ms=self.started_ms,
            tags={"headrace.tuned": plan.family, **told, **SOURCE},
            tables=tuple(self.tables),
        )

    def write(
        self,
        entry: Path,
        trials: Sequence[Trial],
        metrics: Mapping[str, float],
        best: Mapping[str, ParamValue],
        history: Figure,
    ) -> None:
        """The run as it is now, as files below `entry`: metrics, the best parameters, all trials and their picture."""
        at_ms = now_ms()
        points = tuple(Point(metric_name(name), 0, value, at_ms) for name, value in metrics.items())
        tags = {**self.opened.tags, "headrace.best": json.dumps(dict(best))}
        record = replace(self.opened, ended_ms=at_ms, points=points, tags=tags)
        record.write(entry)
        draw(entry, "history", history)
        with (entry / ARTIFACTS / "trials.csv").open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            names = list(trials[0].params)
            lines.writerow(["trial", *names, "fate", "loss", "seconds", "core_seconds", "why"])
            for of in trials:
                values = [of.params[name] for name in names]
                lines.writerow([of.number, *values, of.fate, of.loss, of.seconds, of.core_seconds, of.why])

    def trial(self, trial: Trial, plan: FitPlan, metrics: Mapping[str, float]) -> RunRecord:
        """The run of a trial, nested in the study's. plan: with the trial's parameters, which name the run too: one
        that is told again after a kill is the same run."""
        at_ms = now_ms()
        values = {**metrics, "seconds": trial.seconds, "core_seconds": trial.core_seconds}
        points = [Point(metric_name(name), 0, value, at_ms) for name, value in values.items()]
        course = [Point("in_parts_of_naive", step, value, at_ms) for step, value in trial.course.items()]
        why = {"headrace.why": trial.why} if trial.why else {}
        tags = {"headrace.fate": trial.fate, "headrace.study": self.id, **why}
        return replace(
            self.opened,
            id=f"{self.id}-{plan.key[:16]}",
            parent=self.id,
            name=f"{plan.family} trial {trial.number}",
            started_ms=at_ms - round(1000 * trial.seconds),
            ended_ms=at_ms,
            tags={"headrace.tuned": plan.family, **tags, **SOURCE},
            params=parameters(plan),
            points=(*points, *course),
        )
