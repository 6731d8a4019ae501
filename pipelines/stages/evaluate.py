"""evaluate: what a fitted family is worth on cut-offs that it never saw, beside the baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.fits import Calibration, FitError
from pipelines.contracts.tasks import Task, quantile_column
from pipelines.metrics import classes, point, quantile, ranking
from pipelines.transforms.intervals import shifted

Values = npt.NDArray[np.float64]

JUDGED = ("calibrate", "test")
# what a task may promote by: smaller is better
LOSSES = ("mae", "rmse", "pinball", "log_loss", "brier", "error_rate", "disorder")


@dataclass(frozen=True)
class Evidence:
    """What is known of one family after its backtest.

    metrics: on the test span, which chose nothing. gate: the same on the calibrate span, where the champion is picked.
    mae_by_step: test span, one value a step; empty where there is one step. backtest: predictions over both spans with
    `split`, `actual` and the calibrated outputs.
    """

    family: str
    calibration: Calibration
    metrics: Mapping[str, float]
    gate: Mapping[str, float]
    mae_by_step: Values
    backtest: pa.Table


def evaluate(predictions: Mapping[str, pa.Table], task: Task) -> dict[str, Evidence]:
    """Judge every family of the task.

    predictions: by family; raw outputs with `split`, `step`, `actual`; of the splits, calibrate and test count.
    Intervals are calibrated on the calibrate span and judged on the test span; the point forecast is the model's own,
    and so is a probability. Raises FitError where a span has no known label yet, or for a probability not both 0 and 1.
    """
    labelled = {
        family: {name: _part(rows.filter(rows["actual"].is_valid()), name) for name in JUDGED}
        for family, rows in predictions.items()
    }
    baseline = labelled[task.promote.must_beat]
    for name, rows in baseline.items():
        _check_labels(rows, f"the {name} span ({task.split.spans[name]})", task)
    measure = _measure(task)
    found = {}
    for family, rows in labelled.items():
        calibration = _calibration(rows["calibrate"], task)
        calibrated = {name: shifted(part, calibration) for name, part in rows.items()}
        found[family] = Evidence(
            family=family,
            calibration=calibration,
            metrics=measure(calibrated["test"], baseline["test"], task),
            gate=measure(calibrated["calibrate"], baseline["calibrate"], task),
            mae_by_step=_mae_by_step(calibrated["test"], task),
            backtest=pa.concat_tables(calibrated.values()),
        )
    return found


def judge(predictions: Mapping[str, pa.Table], task: Task, span: str) -> dict[str, dict[str, float]]:
    """The metrics of every family's raw outputs over one span, say a fold's; nothing is calibrated there.

    predictions: as `evaluate` takes them, of the one span; span: which, for the FitError as there.
    """
    labelled = {family: rows.filter(rows["actual"].is_valid()) for family, rows in predictions.items()}
    baseline = labelled[task.promote.must_beat]
    _check_labels(baseline, span, task)
    return {family: _measure(task)(rows, baseline, task) for family, rows in labelled.items()}


def _measure(task: Task) -> Callable[[pa.Table, pa.Table, Task], dict[str, float]]:
    if task.is_unlabelled:
        return _of_scores
    if task.quantiles:
        return _of_quantiles
    return _of_classes if task.classes else _of_probability


def _check_labels(rows: pa.Table, span: str, task: Task) -> None:
    if not len(rows):
        raise FitError(
            f"{task.name}: no cut-off of {span} has a known label, so nothing can be judged. "
            "Land the deliveries of that time, or declare another split."
        )
    labels = np.unique(_values(rows, "actual"))
    if task.classes:
        if len(labels) < 2 or labels[-1] >= len(task.classes):
            told = ", ".join(dict(enumerate(task.classes)).get(int(place), "none of them") for place in labels)
            raise FitError(
                f"{task.name}: classes are judged by labels of two or more of {', '.join(task.classes)}; {span} has: "
                f"{told}. Land more deliveries, or declare another split or other classes."
            )
    elif not task.quantiles and labels.tolist() != [0.0, 1.0]:
        told = ", ".join(f"{label:g}" for label in labels[:5])
        raise FitError(
            f"{task.name}: a probability is judged by labels that are 0 and 1, both; {span} has: {told}. "
            "Land more deliveries, or declare another split or label."
        )


def _calibration(rows: pa.Table, task: Task) -> Calibration:
    if not task.quantiles:
        return Calibration({}, str(task.split.calibrate))
    return quantile.calibrate(_values(rows, "actual"), _quantiles(rows, task), task.split.calibrate)


def _of_quantiles(rows: pa.Table, naive: pa.Table, task: Task) -> dict[str, float]:
    actual, predicted = _values(rows, "actual"), _quantiles(rows, task)
    mae = point.mae(actual, predicted[0.5])
    naive_mae = point.mae(_values(naive, "actual"), _values(naive, task.point))
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


def _of_probability(rows: pa.Table, naive: pa.Table, task: Task) -> dict[str, float]:
    actual, predicted = _values(rows, "actual"), _values(rows, task.point)
    naive_actual, naive_predicted = _values(naive, "actual"), _values(naive, task.point)
    log_loss = ranking.log_loss(actual, predicted)
    naive_log_loss = ranking.log_loss(naive_actual, naive_predicted)
    return {
        "log_loss": log_loss,
        "naive_log_loss": naive_log_loss,
        "skill": point.skill(log_loss, naive_log_loss),
        "auc": ranking.auc(actual, predicted),
        "naive_auc": ranking.auc(naive_actual, naive_predicted),
        "average_precision": ranking.average_precision(actual, predicted),
        "naive_average_precision": ranking.average_precision(naive_actual, naive_predicted),
        "brier": ranking.brier(actual, predicted),
        "base_rate": ranking.base_rate(actual),
    }


def _of_scores(rows: pa.Table, naive: pa.Table, task: Task) -> dict[str, float]:
    """disorder: in what part of all pairs the odd one does not stand above the other; recall: of a twentieth."""
    actual, score = _values(rows, "actual"), _values(rows, task.point)
    naive_actual, naive_score = _values(naive, "actual"), _values(naive, task.point)
    auc, naive_auc = ranking.auc(actual, score), ranking.auc(naive_actual, naive_score)
    return {
        "disorder": 1.0 - auc,
        "naive_disorder": 1.0 - naive_auc,
        "skill": point.skill(1.0 - auc, 1.0 - naive_auc),
        "auc": auc,
        "naive_auc": naive_auc,
        "average_precision": ranking.average_precision(actual, score),
        "naive_average_precision": ranking.average_precision(naive_actual, naive_score),
        "recall_at_5pct": ranking.recall_at(actual, score, 0.05),
        "base_rate": ranking.base_rate(actual),
    }


def _of_classes(rows: pa.Table, naive: pa.Table, task: Task) -> dict[str, float]:
    actual, given = _values(rows, "actual"), probabilities(rows, task)
    log_loss = classes.log_loss(actual, given)
    naive_log_loss = classes.log_loss(_values(naive, "actual"), probabilities(naive, task))
    accuracy = classes.accuracy(actual, given)
    return {
        "log_loss": log_loss,
        "naive_log_loss": naive_log_loss,
        "skill": point.skill(log_loss, naive_log_loss),
        "accuracy": accuracy,
        "error_rate": 1.0 - accuracy,
        "naive_accuracy": classes.accuracy(_values(naive, "actual"), probabilities(naive, task)),
        "macro_f1": classes.macro_f1(actual, given),
        "brier": classes.brier(actual, given),
    }


def probabilities(rows: pa.Table, task: Task) -> Values:
    """(rows, classes) of a backtest."""
    return np.stack([_values(rows, output) for output in task.outputs], axis=1)


def _mae_by_step(rows: pa.Table, task: Task) -> Values:
    if task.steps == 1:
        return np.array([])
    steps = _values(rows, "step")
    errors = np.abs(_values(rows, task.point) - _values(rows, "actual"))
    return np.array([errors[steps == step].mean() for step in range(1, task.steps + 1)])


def _part(rows: pa.Table, split: str) -> pa.Table:
    return rows.filter(pc.equal(rows["split"], split))


def _values(rows: pa.Table, column: str) -> Values:
    return np.asarray(rows[column].to_numpy(), np.float64)


def _quantiles(rows: pa.Table, task: Task) -> dict[float, Values]:
    return {q: _values(rows, quantile_column(q)) for q in task.quantiles}
