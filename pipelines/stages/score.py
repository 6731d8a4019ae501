"""score: the champion's predictions for cut-offs that have none yet, the baseline's beside them."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Task
from pipelines.stages.changes import Change


def score(
    domain: Domain,
    task: Task,
    champion: DataFrame,
    baseline: DataFrame,
    *,
    family: str,
    model: str,
    model_version: int,
    run_id: str,
    attempt: int,
) -> Change:
    """Append predictions: entity, `cut_at`, `step`, `target_at`, the query of a Rank, the task's outputs, `baseline`
    (the baseline's point; of classes all, as `baseline_<output>`), `family`, `model`, `model_version`, `run_id`.

    champion, baseline: calibrated outputs by (entity, cut_at, step). A prediction once made is never made again: what
    was decided on it must stay explainable.
    """
    key = [task.spine.entity, "cut_at", "step"]
    query = [task.query] if task.query else []
    predictions = champion.select(*key, "target_at", *query, *task.outputs).join(
        baseline.select(*key, *[F.col(output).alias(name) for output, name in task.baseline_columns.items()]), key
    )
    stamped = predictions.withColumns(
        {
            "family": F.lit(family),
            "model": F.lit(model),
            "model_version": F.lit(model_version),
            "run_id": F.lit(run_id),
            "_attempt": F.lit(attempt).cast("long"),
        }
    )
    return Change(domain.delta_table("gold", f"{task.name}_predictions"), "append", stamped)
