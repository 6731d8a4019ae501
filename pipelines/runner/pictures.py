"""The figures of one family's backtest, from the evidence to what the figures module draws."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.domain import Domain
from pipelines.contracts.features import Calendar
from pipelines.contracts.fits import FitResult
from pipelines.contracts.tasks import Task, quantile_column
from pipelines.metrics import figures
from pipelines.stages.evaluate import Evidence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CUT_OFFS_SHOWN = 7


def pictures(domain: Domain, task: Task, seen: Evidence, naive: Evidence, result: FitResult) -> dict[str, Figure]:
    """Fan, residuals and error by step on the test span, for the first entity; importance and curves where there are
    any. Times are shown in the task's local time."""
    family, subject = seen.family, task.name
    rows, baseline = _test_rows(seen, task), _test_rows(naive, task)
    instants = _local(rows, domain, task)
    shown = np.isin(rows["cut_at"].to_numpy(), np.unique(rows["cut_at"].to_numpy())[:CUT_OFFS_SHOWN])
    actual, point = _values(rows, "actual"), _values(rows, quantile_column(0.5))
    naive_point = _values(baseline, quantile_column(0.5))
    told = {"model": family, "subject": subject}
    drawn = {
        "forecast": figures.forecast_fan(
            [at for at, is_shown in zip(instants, shown, strict=True) if is_shown],
            actual[shown],
            {q: _values(rows, quantile_column(q))[shown] for q in task.quantiles},
            naive_point[shown],
            unit=task.unit,
            **told,
        ),
        "residuals": figures.residuals(
            actual,
            point,
            naive_point,
            np.array([at.hour + at.minute / 60 for at in instants]),
            unit=task.unit,
            **told,
        ),
        "error_by_step": figures.error_by_step(
            seen.mae_by_step, naive.mae_by_step, hours_a_step=task.step / timedelta(hours=1), unit=task.unit, **told
        ),
    }
    if result.importance:
        drawn["importance"] = figures.importance(result.importance, **told)
    if result.curves:
        drawn["learning_curves"] = figures.learning_curves(
            result.curves, best_step=result.best_step, step_name="round or epoch", **told
        )
    return drawn


def _test_rows(of: Evidence, task: Task) -> pa.Table:
    rows = of.backtest.filter(pc.equal(of.backtest["split"], "test"))
    first = pc.min(rows[task.spine.entity])
    return rows.filter(pc.equal(rows[task.spine.entity], first)).sort_by(
        [("cut_at", "ascending"), ("step", "ascending")]
    )


def _local(rows: pa.Table, domain: Domain, task: Task) -> list[datetime]:
    zones = [f.time_zone for v in domain.views_of(task) for f in v.features if isinstance(f, Calendar)]
    zone = ZoneInfo(zones[0] if zones else "UTC")
    return [at.astimezone(zone) for at in rows["target_at"].to_pylist()]


def _values(rows: pa.Table, column: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.asarray(rows[column].to_numpy(), np.float64)
