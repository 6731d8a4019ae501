"""evaluate's other intervals: what shifts that go on learning would have made of the test span, beside the split ones
that a model is registered with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.tasks import ByTime, Task
from pipelines.metrics.conformal import Errors, adaptive, by_step, rolling
from pipelines.metrics.measures import quantiles, values
from pipelines.metrics.quantile import coverage, mean_pinball, width
from pipelines.metrics.resampling import periods
from pipelines.transforms.intervals import moved_by

Places = npt.NDArray[np.int64]


def recalibrated(calibrate: pa.Table, test: pa.Table, task: Task) -> dict[str, pa.Table]:
    """The test rows with their quantiles moved by each way of learning on; none for a task without quantiles or time.

    calibrate, test: rows of a backtest with a known label. Where there is one step alone, shifts by step are those that
    the rows have already.
    """
    if not (task.quantiles and isinstance(task.split, ByTime)):
        return {}
    errors, order = _errors(calibrate, test, task)
    back = np.argsort(order)[len(calibrate) :]
    ways = {"by_step": by_step, "rolling": rolling, "adaptive": adaptive}
    return {
        name: moved_by(test, task.quantiles, way(errors)[:, back])
        for name, way in ways.items()
        if name != "by_step" or task.steps > 1
    }


def intervals_by_step(ways: Mapping[str, pa.Table], task: Task) -> Iterator[dict[str, str | int | float]]:
    """What the intervals of each way are worth at each step ahead; nothing for a task without quantiles.

    ways: the test rows by way. Each row has `way`, `step`, `rows`, `nominal_coverage` and those of `interval_metrics`.
    """
    if not task.quantiles:
        return
    nominal = task.quantiles[-1] - task.quantiles[0]
    for way, rows in ways.items():
        for step in range(1, task.steps + 1):
            of_step = rows.filter(pc.equal(rows["step"], step))
            metrics = interval_metrics(of_step, task)
            yield {"way": way, "step": step, "rows": len(of_step), "nominal_coverage": nominal, **metrics}


def interval_metrics(rows: pa.Table, task: Task) -> dict[str, float]:
    """What intervals are judged by: how much they hold, how wide they are, and the loss of all quantiles."""
    actual, predicted = values(rows, "actual"), quantiles(rows, task)
    low, high = predicted[task.quantiles[0]], predicted[task.quantiles[-1]]
    return {
        "coverage": coverage(actual, low, high),
        "width": width(low, high),
        "pinball": mean_pinball(actual, predicted),
    }


def _errors(calibrate: pa.Table, test: pa.Table, task: Task) -> tuple[Errors, Places]:
    """The errors of both spans in the order that Errors wants, and where each row of calibrate and then test went."""
    cut_at = [_micros(rows, "cut_at") for rows in (calibrate, test)]
    of_calibrate, of_test = (periods(at) for at in cut_at)
    first = int(of_calibrate.max()) + 1
    period, at = np.concatenate([of_calibrate, of_test + first]), np.concatenate(cut_at)
    begins = np.full(int(period.max()) + 1, np.iinfo(np.int64).max)
    np.minimum.at(begins, period, at)
    known_at = np.concatenate([_micros(rows, "target_at") for rows in (calibrate, test)])
    known_at += round(task.label_known_after.total_seconds() * 1e6)
    step = np.concatenate([rows["step"].to_numpy().astype(np.int64) - 1 for rows in (calibrate, test)])
    order = np.lexsort((period, step))
    errors = np.concatenate(
        [
            np.stack([values(rows, "actual") - predicted for predicted in quantiles(rows, task).values()])
            for rows in (calibrate, test)
        ],
        axis=1,
    )
    known = np.searchsorted(begins, known_at)
    return Errors(errors[:, order], task.quantiles, step[order], period[order], known[order], first), order


def _micros(rows: pa.Table, column: str) -> Places:
    return rows[column].cast(pa.timestamp("us", tz="UTC")).cast(pa.int64()).to_numpy().copy()
