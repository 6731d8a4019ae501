"""The figures of one family's backtest, from the evidence to what the figures module draws."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import FitResult
from pipelines.contracts.tasks import Forecast, Task, quantile_column
from pipelines.metrics import (
    alarm_figures,
    class_figures,
    error_figures,
    fairness_figure,
    figures,
    order_figures,
    probability_figures,
)
from pipelines.metrics.comparison import judged_by
from pipelines.metrics.coverage_figures import coverage_over_time
from pipelines.metrics.measures import orders, probabilities, quantiles, values
from pipelines.metrics.slice_figures import by_slice
from pipelines.stages.evaluate import Evidence
from pipelines.transforms.slices import zone_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CUT_OFFS_SHOWN = 7

Values = np.ndarray[tuple[int], np.dtype[np.float64]]


def pictures(domain: Domain, task: Task, seen: Evidence, naive: Evidence, result: FitResult) -> dict[str, Figure]:
    """What the test span shows of a family beside the baseline, by the kind of question; importance and learning curves
    where there are any."""
    told = {"model": seen.family, "subject": task.name}
    if task.query:
        drawn = _of_orders(task, seen, naive, told)
    elif task.is_unlabelled:
        drawn = _of_scores(task, seen, naive, told)
    elif task.classes:
        drawn = _of_classes(task, seen, naive, told)
    elif not task.quantiles:
        drawn = _of_probability(task, seen, naive, told)
    elif isinstance(task, Forecast):
        drawn = _of_forecast(domain, task, seen, naive, told)
    else:
        drawn = _of_estimate(task, seen, naive, told)
    if task.monitor is not None:
        drawn["alarms"] = alarm_figures.by_limit(_test_rows(seen, task), task, **told)
    if seen.recalibrated:
        drawn["coverage_over_time"] = _coverage_over_time(task, seen, told)
    if len(seen.slices) > 1:
        drawn["metrics_by_slice"] = by_slice(seen.slices, judged_by(task)[-1], unit=task.unit, **told)
    if groups := seen.groups.get("test"):
        drawn["fairness"] = fairness_figure.by_group(groups, **told)
    if result.importance:
        drawn["importance"] = figures.importance(result.importance, **told)
    if result.curves:
        drawn["learning_curves"] = figures.learning_curves(
            result.curves, best_step=result.best_step, step_name="round or epoch", **told
        )
    return drawn


def _of_forecast(
    domain: Domain, task: Forecast, seen: Evidence, naive: Evidence, told: dict[str, str]
) -> dict[str, Figure]:
    """Fan, residuals and error by step, of the first entity, in the task's local time."""
    rows, baseline = (_of_first_entity(_test_rows(of, task), task) for of in (seen, naive))
    instants = _local(rows, domain, task)
    shown = np.isin(rows["cut_at"].to_numpy(), np.unique(rows["cut_at"].to_numpy())[:CUT_OFFS_SHOWN])
    actual, naive_point = values(rows, "actual"), values(baseline, task.point)
    drawn = {
        "forecast": figures.forecast_fan(
            [at for at, is_shown in zip(instants, shown, strict=True) if is_shown],
            actual[shown],
            {quantile: of[shown] for quantile, of in quantiles(rows, task).items()},
            naive_point[shown],
            unit=task.unit,
            **told,
        ),
        "residuals": error_figures.residuals(
            actual,
            values(rows, task.point),
            naive_point,
            np.array([at.hour + at.minute / 60 for at in instants]),
            unit=task.unit,
            **told,
        ),
    }
    if task.steps > 1:
        drawn["error_by_step"] = figures.error_by_step(
            seen.mae_by_step, naive.mae_by_step, hours_a_step=task.step / timedelta(hours=1), unit=task.unit, **told
        )
    return drawn


def _of_estimate(task: Task, seen: Evidence, naive: Evidence, told: dict[str, str]) -> dict[str, Figure]:
    """Residuals and coverage by predicted size, of all events."""
    rows, baseline = _test_rows(seen, task), _test_rows(naive, task)
    actual = values(rows, "actual")
    return {
        "residuals": error_figures.residuals_by_size(
            actual, values(rows, task.point), values(baseline, task.point), unit=task.unit, **told
        ),
        "coverage": error_figures.coverage_by_size(
            actual, quantiles(rows, task), quantiles(baseline, task), unit=task.unit, **told
        ),
    }


def _of_probability(task: Task, seen: Evidence, naive: Evidence, told: dict[str, str]) -> dict[str, Figure]:
    """Both curves of the ranking, reliability, and the probabilities by label, of all events."""
    rows, baseline = _test_rows(seen, task), _test_rows(naive, task)
    actual, given, naive_given = values(rows, "actual"), values(rows, task.point), values(baseline, task.point)
    return {
        "precision_recall": probability_figures.precision_recall(actual, given, naive_given, **told),
        "roc": probability_figures.roc(actual, given, naive_given, **told),
        "confusion": probability_figures.confusion(actual, given, **told),
        "reliability": probability_figures.reliability(actual, given, naive_given, **told),
        "probabilities": probability_figures.probabilities_by_label(actual, given, **told),
    }


def _of_scores(task: Task, seen: Evidence, naive: Evidence, told: dict[str, str]) -> dict[str, Figure]:
    """Both curves of the ranking, of all events."""
    rows, baseline = _test_rows(seen, task), _test_rows(naive, task)
    actual, given, naive_given = values(rows, "actual"), values(rows, task.point), values(baseline, task.point)
    return {
        "precision_recall": probability_figures.precision_recall(actual, given, naive_given, **told),
        "roc": probability_figures.roc(actual, given, naive_given, **told),
    }


def _of_orders(task: Task, seen: Evidence, naive: Evidence, told: dict[str, str]) -> dict[str, Figure]:
    """NDCG by the places that are looked at, of all queries."""
    mine, theirs = (orders(_test_rows(of, task), task) for of in (seen, naive))
    return {"ndcg_by_places": order_figures.ndcg_by_places(mine, theirs, top=task.top, **told)}


def _of_classes(task: Task, seen: Evidence, naive: Evidence, told: dict[str, str]) -> dict[str, Figure]:
    """What each class was named as, and how often the named one was right by how probable it was said to be."""
    rows, baseline = _test_rows(seen, task), _test_rows(naive, task)
    actual, given = values(rows, "actual"), probabilities(rows, task)
    return {
        "confusion": class_figures.confusion(actual, given, task.classes, **told),
        "reliability": class_figures.reliability(actual, given, probabilities(baseline, task), **told),
    }


def _coverage_over_time(task: Task, seen: Evidence, told: dict[str, str]) -> Figure:
    rows = {"split": _test_rows(seen, task), **seen.recalibrated}
    low, high = (quantile_column(task.quantiles[end]) for end in (0, -1))
    held = {}
    for way, of in rows.items():
        actual = values(of, "actual")
        held[way] = (values(of, low) <= actual) & (actual <= values(of, high))
    return coverage_over_time(
        rows["split"]["cut_at"].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy(),
        held,
        nominal=task.quantiles[-1] - task.quantiles[0],
        **told,
    )


def _test_rows(of: Evidence, task: Task) -> pa.Table:
    """In one order for every family, so that their rows stand side by side."""
    rows = of.backtest.filter(pc.equal(of.backtest["split"], "test"))
    return rows.sort_by([(task.spine.entity, "ascending"), ("cut_at", "ascending"), ("step", "ascending")])


def _of_first_entity(rows: pa.Table, task: Task) -> pa.Table:
    entities = rows[task.spine.entity]
    return rows.filter(pc.equal(entities, pc.min(entities)))


def _local(rows: pa.Table, domain: Domain, task: Task) -> list[datetime]:
    zone = ZoneInfo(zone_of(domain, task))
    return [at.astimezone(zone) for at in rows["target_at"].to_pylist()]
