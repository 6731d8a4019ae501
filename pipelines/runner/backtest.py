"""Every family's predictions of spans that it never saw, and all that is told of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipelines.contracts.domain import Domain
from pipelines.contracts.fits import FitPlan
from pipelines.contracts.tasks import CLUSTER, Forecast, Task
from pipelines.contracts.usage import Usage
from pipelines.runner.fits import bytes_of, fitted
from pipelines.runner.pricing import WORTH, pricer
from pipelines.runner.work import Work

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.stages.evaluate import Evidence

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Backtest:
    """By family: what its predictions show, and what making them took."""

    evidence: Mapping[str, Evidence]
    usages: Mapping[str, Usage]


def backtested(work: Work, task: Task, plans: Mapping[str, FitPlan]) -> Backtest:
    """Predict the calibrate and the test span with every family, through its scorer, and judge. Fits are those of the
    plans, made if need be."""
    from pipelines.engines.predictions import Model, predictions
    from pipelines.io.machine import Watched
    from pipelines.stages.evaluate import JUDGED, evaluate
    from pipelines.transforms.slices import features_of_slices, sliced

    domain, baseline = work.domain, task.promote.must_beat
    spans = {name: task.split.spans[name] for name in JUDGED}
    spark, found, usages = work.context.spark(), {}, {}
    for family, plan in plans.items():
        model = Model(family, fitted(work, plan).model, scope=plan.scope)
        # the baseline alone is given all features
        beside = features_of_slices(domain, task) if family == baseline else ()
        with Watched() as machine:
            found[family] = predictions(spark, model, plan, spans, beside).toArrow()
        usages[family] = replace(machine.usage, bytes_read=bytes_of(plan))
    found[baseline] = _with_columns(sliced(found[baseline], domain, task), work, task)
    scale = _scale(work, task, plans[baseline]) if isinstance(task, Forecast) else None
    priced = pricer(work, task, plans[baseline])
    return Backtest(evaluate(found, task, tuple(domain.slices(task)), scale, priced), usages)


def as_table(seen: Evidence, domain: Domain, task: Task, run_id: str, folds: pa.Table | None = None) -> pa.Table:
    """The backtest's rows in the order: task, family, run_id, split, keys, query, actual, outputs, slices, columns by
    which it is judged besides, worth, clusters of a Detect.

    folds: what the family, fitted anew for each fold, predicted of it: raw outputs, without a worth or a group.
    """
    import pyarrow as pa

    rows = seen.backtest
    if folds is not None:
        rows = pa.concat_tables([rows, folds], promote_options="default")
    said = {"task": task.name, "family": seen.family, "run_id": run_id}
    labelled: Mapping[str, pa.Array] = {name: pa.array([value] * len(rows)) for name, value in said.items()}
    query = [task.query] if task.query else []
    keys = ["split", task.spine.entity, "cut_at", "step", "target_at", *query, "actual"]
    worth = [name for name in WORTH if name in rows.column_names]
    columns = dict.fromkeys((*keys, *task.outputs, *domain.slices(task), *task.told_beside, *worth))
    clusters = {CLUSTER: _clusters(rows)} if task.is_unlabelled else {}
    return pa.table({**labelled, **{name: rows[name] for name in columns}, **clusters})


def _clusters(rows: pa.Table) -> pa.ChunkedArray | pa.Array:
    """Which cluster each row is in; null of families that have none, since all families' rows are one table."""
    import pyarrow as pa

    return rows[CLUSTER] if CLUSTER in rows.column_names else pa.nulls(len(rows), pa.int32())


def _with_columns(rows: pa.Table, work: Work, task: Task) -> pa.Table:
    """The rows with the columns by which the task is judged besides as text, as the asked table says them now; where it
    says nothing they are "unknown". A slice by the same column stands for it."""
    wanted = [name for name in task.told_beside if name not in rows.column_names]
    if not wanted:
        return rows
    import pyarrow as pa
    import pyarrow.compute as pc

    from pipelines.engines.shards import read

    entity = task.spine.entity
    said = read(work.shard(work.domain.delta_table("silver", task.spine.table)), (entity, *wanted), None)
    place = pc.index_in(rows[entity], said[entity])
    for name in wanted:
        texts = pc.fill_null(said[name].cast(pa.string()).take(place), UNKNOWN)
        rows = rows.append_column(name, texts)
    return rows


def _scale(work: Work, task: Task, plan: FitPlan) -> float | None:
    """The baseline's mean absolute error on the train span, in which a forecast's errors are counted: one number, since
    the span may be too long to hold. None where no row has a label."""
    from pyspark.sql import functions as F

    from pipelines.engines.predictions import Model, predictions

    model = Model(plan.family, fitted(work, plan).model)
    rows = predictions(work.context.spark(), model, plan, {"train": plan.train})
    (found,) = rows.agg(F.avg(F.abs(F.col(task.point) - F.col("actual")))).collect()
    scale: float | None = found[0]
    return scale
