"""Cross-validation: what every family is worth on each fold that a task declares, before the test span is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pipelines.contracts.fits import CurvePoint, FitPlan
from pipelines.contracts.tasks import Task
from pipelines.runner.fits import fitted
from pipelines.runner.selection import of_kept, selected
from pipelines.runner.warm_starts import must_not_know_more
from pipelines.runner.work import Work


@dataclass(frozen=True)
class Rolled:
    """One family's metrics over all folds in time order, of raw outputs: folds calibrate nothing."""

    metrics: Mapping[str, tuple[float, ...]]

    @property
    def points(self) -> tuple[CurvePoint, ...]:
        """`folds/<metric>`, a step for each fold."""
        return tuple(
            CurvePoint(f"folds/{name}", number, value)
            for name, values in self.metrics.items()
            for number, value in enumerate(values, 1)
        )

    @property
    def summary(self) -> dict[str, float]:
        """`folds/<metric>_mean` and `folds/<metric>_std`, the deviation between folds."""
        import numpy as np

        means = {f"folds/{name}_mean": float(np.mean(values)) for name, values in self.metrics.items()}
        return means | {f"folds/{name}_std": float(np.std(values, ddof=1)) for name, values in self.metrics.items()}

    def told(self, metric: str) -> str:
        mean, deviation = (self.summary[f"folds/{metric}_{what}"] for what in ("mean", "std"))
        return f"{metric} {mean:,.4g} ± {deviation:,.2g} over {len(self.metrics[metric])} folds"


def rolled(work: Work, task: Task, plans: Mapping[str, FitPlan]) -> dict[str, Rolled]:
    """Every family fitted and judged on each fold; nothing where the task declares none.

    plans: on all declared features, which are picked anew for each fold, since a fold's test must choose nothing.
    """
    from pipelines.engines.predictions import Model, predictions
    from pipelines.stages.evaluate import judge

    found: dict[str, list[dict[str, float]]] = {family: [] for family in plans}
    baseline = task.promote.must_beat
    for fold in task.cross_validation:
        on_fold = {
            family: replace(plan, train=fold.train, validate=fold.validate, purge=fold.purge)
            for family, plan in plans.items()
        }
        picked = selected(work, task, on_fold[baseline])
        told = {}
        for family, plan in on_fold.items():
            plan = plan if family == baseline else of_kept(plan, picked)
            must_not_know_more(plan)
            model = Model(family, fitted(work, plan).model, scope=plan.scope)
            told[family] = predictions(work.context.spark(), model, plan, {"test": fold.test}).toArrow()
        for family, metrics in judge(told, task, f"the fold tested on {fold.test}").items():
            found[family].append(metrics)
    return {
        family: Rolled({name: tuple(metrics[name] for metrics in of_folds) for name in _of_all(of_folds)})
        for family, of_folds in found.items()
        if of_folds
    }


def _of_all(folds: list[dict[str, float]]) -> list[str]:
    """The metrics that every fold defines."""
    return [name for name in folds[0] if all(name in metrics for metrics in folds)]
