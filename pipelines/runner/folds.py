"""Cross-validation: what every family is worth on each fold that a task declares, before the test span is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.contracts.fits import CurvePoint, FitPlan
from pipelines.contracts.tasks import Task
from pipelines.runner.fits import fitted
from pipelines.runner.selection import of_kept, selected
from pipelines.runner.warm_starts import must_not_know_more
from pipelines.runner.work import Work

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Rolled:
    """One family's metrics over all folds in time order, of raw outputs: folds calibrate nothing.

    backtest: the predictions that they are made of, as those of a backtest; `split` is the fold: `fold 1`, `fold 2` …
    """

    metrics: Mapping[str, tuple[float, ...]]
    backtest: pa.Table

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
    import pyarrow as pa

    from pipelines.engines.predictions import Model, predictions
    from pipelines.stages.evaluate import judge, side_by_side
    from pipelines.transforms.slices import features_of_slices, sliced

    found: dict[str, list[dict[str, float]]] = {family: [] for family in plans}
    rows: dict[str, list[pa.Table]] = {family: [] for family in plans}
    baseline, slices = task.promote.must_beat, tuple(work.domain.slices(task))
    for number, fold in enumerate(task.cross_validation, 1):
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
            # the baseline alone is given all features
            beside = features_of_slices(work.domain, task) if family == baseline else ()
            spans = {f"fold {number}": fold.test}
            told[family] = predictions(work.context.spark(), model, plan, spans, beside).toArrow()
        told[baseline] = sliced(told[baseline], work.domain, task)
        for family, metrics in judge(told, task, f"the fold tested on {fold.test}").items():
            found[family].append(metrics)
        for family, judged in side_by_side(told, task, slices).items():
            rows[family].append(judged)
    return {
        family: Rolled(
            {name: tuple(metrics[name] for metrics in of_folds) for name in _of_all(of_folds)},
            pa.concat_tables(rows[family]),
        )
        for family, of_folds in found.items()
        if of_folds
    }


def _of_all(folds: list[dict[str, float]]) -> list[str]:
    """The metrics that every fold defines."""
    return [name for name in folds[0] if all(name in metrics for metrics in folds)]
