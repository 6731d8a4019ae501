"""evaluate: what a fitted family is worth on cut-offs that it never saw, beside the baseline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.fits import Calibration, FitError
from pipelines.contracts.tasks import Span, Task, quantile_column
from pipelines.metrics import point, quantile
from pipelines.transforms.intervals import shifted

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """What is known of one family after its backtest.

    metrics: on the test span, which chose nothing; smaller is better but for coverage and skill. gate: the same on the
    calibrate span, where the champion is picked. mae_by_step: test span, one value a step. backtest: predictions over
    both spans with `split`, `actual` and the calibrated quantiles.
    """

    family: str
    calibration: Calibration
    metrics: Mapping[str, float]
    gate: Mapping[str, float]
    mae_by_step: Values
    backtest: pa.Table


def evaluate(predictions: Mapping[str, pa.Table], task: Task) -> dict[str, Evidence]:
    """Judge every family of the task.

    predictions: by family; raw quantiles with `cut_at`, `step`, `actual` for the calibrate and the test span. Intervals
    are calibrated on the calibrate span and judged on the test span; the point forecast is the model's own. Raises
    FitError where a span has no known label yet.
    """
    spans = {"calibrate": task.split.calibrate, "test": task.split.test}
    labelled = {
        family: {name: _within(rows.filter(rows["actual"].is_valid()), span) for name, span in spans.items()}
        for family, rows in predictions.items()
    }
    baseline = labelled[task.promote.must_beat]
    for name, rows in baseline.items():
        if not len(rows):
            span = f"{spans[name].start:%Y-%m-%d} – {spans[name].end:%Y-%m-%d}"
            raise FitError(
                f"{task.name}: no cut-off of the {name} span ({span}) has a known label, so nothing can be judged. "
                "Land the deliveries of that time, or declare an earlier split."
            )
    naive = {name: point.mae(_values(rows, "actual"), _point(rows)) for name, rows in baseline.items()}
    found = {}
    for family, rows in labelled.items():
        calibration = quantile.calibrate(
            _values(rows["calibrate"], "actual"), _quantiles(rows["calibrate"], task), task.split.calibrate
        )
        calibrated = {name: shifted(part, calibration) for name, part in rows.items()}
        steps = _values(calibrated["test"], "step")
        errors = np.abs(_point(calibrated["test"]) - _values(calibrated["test"], "actual"))
        found[family] = Evidence(
            family=family,
            calibration=calibration,
            metrics=_metrics(calibrated["test"], task, naive["test"]),
            gate=_metrics(calibrated["calibrate"], task, naive["calibrate"]),
            mae_by_step=np.array([errors[steps == step].mean() for step in range(1, task.steps + 1)]),
            backtest=pa.concat_tables(
                part.append_column("split", pa.array([name] * len(part))) for name, part in calibrated.items()
            ),
        )
    return found


def _metrics(rows: pa.Table, task: Task, naive_mae: float) -> dict[str, float]:
    actual, predicted = _values(rows, "actual"), _quantiles(rows, task)
    mae = point.mae(actual, predicted[0.5])
    low, high = task.quantiles[0], task.quantiles[-1]
    return {
        "mae": mae,
        "naive_mae": naive_mae,
        "skill": point.skill(mae, naive_mae),
        "rmse": point.rmse(actual, predicted[0.5]),
        "bias": point.bias(actual, predicted[0.5]),
        "pinball": quantile.mean_pinball(actual, predicted),
        "coverage": quantile.coverage(actual, predicted[low], predicted[high]),
        "nominal_coverage": high - low,
        "width": quantile.width(predicted[low], predicted[high]),
    }


def _within(rows: pa.Table, span: Span) -> pa.Table:
    at = rows["cut_at"]
    kind = at.type
    return rows.filter(
        pc.and_(pc.greater_equal(at, pa.scalar(span.start, kind)), pc.less(at, pa.scalar(span.end, kind)))
    )


def _values(rows: pa.Table, column: str) -> Values:
    return np.asarray(rows[column].to_numpy(), np.float64)


def _point(rows: pa.Table) -> Values:
    return _values(rows, quantile_column(0.5))


def _quantiles(rows: pa.Table, task: Task) -> dict[float, Values]:
    return {q: _values(rows, quantile_column(q)) for q in task.quantiles}
