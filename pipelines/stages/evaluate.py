"""evaluate: what a fitted family is worth on cut-offs that it never saw, beside the baseline."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contracts.fits import Calibration, FitError
from pipelines.contracts.tasks import MOST_RELEVANT, Task
from pipelines.metrics import fairness, quantile
from pipelines.metrics.comparison import Compared, SliceRow
from pipelines.metrics.losses import direction
from pipelines.metrics.measures import measures, quantiles, values
from pipelines.stages.recalibrate import interval_metrics, intervals_by_step, recalibrated
from pipelines.transforms.intervals import shifted

Values = npt.NDArray[np.float64]

JUDGED = ("calibrate", "test")


@dataclass(frozen=True)
class Evidence:
    """What is known of one family after its backtest.

    metrics: on the test span, which chose nothing. gate: the same on the calibrate span, where the champion is picked.
    mae_by_step: test span, one value a step; empty where there is one step. backtest: predictions over both spans with
    `split`, `actual`, the calibrated outputs and the columns of the slices. slices: the metrics of the test span by
    slice, a row each, the first of all rows. recalibrated: the test rows by other intervals than the registered ones.
    by_step: what intervals are worth, a row for each way and step. groups: by span, the groups of protected columns.
    """

    family: str
    calibration: Calibration
    metrics: Mapping[str, float]
    gate: Mapping[str, float]
    mae_by_step: Values
    backtest: pa.Table
    slices: tuple[SliceRow, ...] = ()
    recalibrated: Mapping[str, pa.Table] = field(default_factory=dict)
    by_step: tuple[SliceRow, ...] = ()
    groups: Mapping[str, Sequence[fairness.GroupRow]] = field(default_factory=dict)

    def gaps(self, span: str) -> list[fairness.Gap]:
        """Between which groups of each protected column the model differs most in a span."""
        of_span = self.groups.get(span, ())
        names = dict.fromkeys(row.column for row in of_span)
        return [gap for name in names for gap in fairness.gaps([row for row in of_span if row.column == name])]


def evaluate(
    predictions: Mapping[str, pa.Table],
    task: Task,
    slices: Sequence[str] = (),
    scale: float | None = None,
    priced: Callable[[Sequence[pa.Table]], Sequence[pa.Table]] | None = None,
) -> dict[str, Evidence]:
    """Judge every family of the task.

    predictions: by family; raw outputs with `split`, `step`, `actual`; of the splits, calibrate and test count; the
    baseline's with the columns by which the task is judged besides. slices: columns of them by which errors are told
    besides. scale: the baseline's mean absolute error on the train span. priced: from keys, `actual` and outputs of
    each family and span to what acting on them came to, `value` and `naive_value`.
    Intervals are calibrated on the calibrate span and judged on the test span; the point forecast is the model's own,
    and so are a probability and a score. Raises FitError where a span has no known label yet, for a probability not
    both 0 and 1, or for an order none that is relevant.
    """
    labelled = {family: _labelled(rows, task) for family, rows in predictions.items()}
    baseline = labelled[task.promote.must_beat]
    for name in JUDGED:
        _check_labels(baseline[name], f"the {name} span ({task.split.spans[name]})", task)
    calibrations = {family: _calibration(rows["calibrate"], task) for family, rows in labelled.items()}
    calibrated = {
        family: {name: shifted(rows[name], calibrations[family]) for name in JUDGED}
        for family, rows in labelled.items()
    }
    naive = calibrated[task.promote.must_beat]["calibrate"]
    gate = {family: measures(rows["calibrate"], naive, task) for family, rows in calibrated.items()}
    for rows in calibrated.values():
        beside = dict.fromkeys((*slices, *task.told_beside))
        rows |= {name: _with_columns(rows[name], baseline[name], tuple(beside)) for name in JUDGED}
    if priced is not None:
        _add_worth(calibrated, task, priced)
    test = {family: rows["test"] for family, rows in calibrated.items()}
    compared = Compared.of(test, task, _leader(gate, task), scale)
    whole, parts = compared.whole(), compared.parts(slices)
    found = {}
    for family, rows in calibrated.items():
        metrics = compared.metrics(family, whole)
        metrics |= {f"worth/{name}": value for name, value in compared.worth(family, whole).items()}
        intervals = {f"interval/{name}": value for name, value in compared.intervals(family, whole).items()}
        ways = recalibrated(rows["calibrate"], rows["test"], task)
        if calibrations[family].by_step and ways:
            pooled = replace(calibrations[family], by_step={})
            ways = {"pooled": shifted(labelled[family]["test"], pooled), **ways}
            del ways["by_step"]  # which are the registered ones
        metrics |= {
            f"conformal/{way}_{name}": value
            for way, of_way in ways.items()
            for name, value in interval_metrics(of_way, task).items()
        }
        found[family] = Evidence(
            family=family,
            calibration=calibrations[family],
            metrics=metrics | intervals,
            gate=gate[family],
            mae_by_step=_mae_by_step(rows["test"], task),
            backtest=pa.concat_tables(rows.values()),
            slices=tuple(compared.by_slice(family, [whole, *parts])),
            recalibrated=ways,
            by_step=tuple(intervals_by_step({"split": rows["test"], **ways}, task)),
            groups={name: _groups(of_span, task) for name, of_span in rows.items()} if task.protected else {},
        )
    return found


def judge(predictions: Mapping[str, pa.Table], task: Task, span: str) -> dict[str, dict[str, float]]:
    """The metrics of every family's raw outputs over one span, say a fold's; nothing is calibrated there.

    predictions: as `evaluate` takes them, of the one span; span: which, for the FitError as there.
    """
    labelled = {family: rows.filter(rows["actual"].is_valid()) for family, rows in predictions.items()}
    baseline = labelled[task.promote.must_beat]
    _check_labels(baseline, span, task)
    return {family: measures(rows, baseline, task) for family, rows in labelled.items()}


def side_by_side(predictions: Mapping[str, pa.Table], task: Task, slices: Sequence[str]) -> dict[str, pa.Table]:
    """Every family's rows with a known label, in one order, with the columns of the slices that the baseline's have."""
    labelled = {family: _known(rows, task) for family, rows in predictions.items()}
    baseline = labelled[task.promote.must_beat]
    return {family: _with_columns(rows, baseline, slices) for family, rows in labelled.items()}


def by_entity(seen: Evidence, naive: Evidence, task: Task) -> dict[str, dict[str, float]]:
    """The metrics of the test span for each entity that has labels there, in the order of their names."""
    mine, theirs = (_of_each(of.backtest.filter(pc.equal(of.backtest["split"], "test")), task) for of in (seen, naive))
    return {name: measures(rows, theirs[name], task) for name, rows in mine.items()}


def _of_each(rows: pa.Table, task: Task) -> dict[str, pa.Table]:
    rows = rows.sort_by(task.spine.entity)
    names, starts, counts = np.unique(
        np.asarray(rows[task.spine.entity]).astype(str), return_index=True, return_counts=True
    )
    parts = zip(names.tolist(), starts.tolist(), counts.tolist(), strict=True)
    return {name: rows.slice(start, count) for name, start, count in parts}


def _check_labels(rows: pa.Table, span: str, task: Task) -> None:
    if not len(rows):
        raise FitError(
            f"{task.name}: no cut-off of {span} has a known label, so nothing can be judged. "
            "Land the deliveries of that time, or declare another split."
        )
    labels = np.unique(values(rows, "actual"))
    if task.query:
        if labels[-1] <= 0.0 or not np.isin(labels, np.arange(MOST_RELEVANT + 1)).all():
            told = ", ".join(f"{label:g}" for label in labels[-5:])
            raise FitError(
                f"{task.name}: an order is judged by how relevant rows are, whole numbers from 0 to {MOST_RELEVANT}, "
                f"some above 0; {span} has: {told}. Land more deliveries, or declare another split or label."
            )
    elif task.classes:
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
    step = rows["step"].to_numpy().astype(np.int64)
    return quantile.calibrate(values(rows, "actual"), quantiles(rows, task), task.split.calibrate, step, task.steps)


def _add_worth(
    rows: Mapping[str, dict[str, pa.Table]], task: Task, priced: Callable[[Sequence[pa.Table]], Sequence[pa.Table]]
) -> None:
    """Price the rows of all families and spans at once, since each time costs a job."""
    parts = [(family, name) for family in rows for name in JUDGED]
    query = [task.query] if task.query else []
    needed = [task.spine.entity, "cut_at", *query, "actual", *task.outputs]
    worth = priced([rows[family][name].select(needed) for family, name in parts])
    for (family, name), of in zip(parts, worth, strict=True):
        for column in of.column_names:
            rows[family][name] = rows[family][name].append_column(column, of[column])


def _leader(gate: Mapping[str, Mapping[str, float]], task: Task) -> str:
    """The best family on the calibrate span, which register picks if it beats the baseline by enough."""
    metric = task.promote.metric
    loss = {family: direction(metric) * metrics.get(metric, math.nan) for family, metrics in gate.items()}
    finite = {family: value for family, value in loss.items() if math.isfinite(value)}
    return min(finite, key=lambda family: (finite[family], family), default=task.promote.must_beat)


def _mae_by_step(rows: pa.Table, task: Task) -> Values:
    if task.steps == 1:
        return np.array([])
    steps = values(rows, "step")
    errors = np.abs(values(rows, task.point) - values(rows, "actual"))
    return np.array([errors[steps == step].mean() for step in range(1, task.steps + 1)])


def _labelled(rows: pa.Table, task: Task) -> dict[str, pa.Table]:
    known = _known(rows, task)
    return {name: known.filter(pc.equal(known["split"], name)) for name in JUDGED}


def _known(rows: pa.Table, task: Task) -> pa.Table:
    """The rows with a known label, in one order for every family, so that they stand side by side."""
    known = rows.filter(rows["actual"].is_valid())
    return known.sort_by([(key, "ascending") for key in (task.spine.entity, "cut_at", "step")])


def _groups(rows: pa.Table, task: Task) -> list[fairness.GroupRow]:
    actual, probability = values(rows, "actual"), values(rows, task.point)
    if np.isnan(probability).any():
        return []  # a model that lacks predictions picks nobody; its metrics are NaN already
    return [
        row
        for of in task.protected
        for row in fairness.by_group(
            of.column, np.asarray(rows[of.column]).astype(str), actual, probability, task.capacity
        )
    ]


def _with_columns(rows: pa.Table, baseline: pa.Table, names: Sequence[str]) -> pa.Table:
    """The rows with those columns of these names that the baseline's have."""
    for name in names:
        if name not in rows.column_names and len(rows) == len(baseline):
            rows = rows.append_column(name, baseline[name])
    return rows
