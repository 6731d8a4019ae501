"""What acting on a backtest's predictions came to, by the policy of their task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pipelines.contracts.fits import FitPlan
from pipelines.contracts.policies import Picking, Shortlisting
from pipelines.contracts.tasks import Task
from pipelines.runner.work import Work

if TYPE_CHECKING:
    import pyarrow as pa

WORTH = ["value", "naive_value"]
"""Columns of a backtest whose predictions are priced."""


def pricer(work: Work, task: Task, asked: FitPlan) -> Callable[[Sequence[pa.Table]], Sequence[pa.Table]] | None:
    """What prices predictions by the task's policy, each table as what one limit is shared among; None without one.

    asked: a plan by which the questions are found that have what the policy needs.
    """
    from pipelines.domains import policy_if_any

    policy = policy_if_any(work.domain, task.decide)
    if policy is None:
        return None

    def priced(parts: Sequence[pa.Table]) -> Sequence[pa.Table]:
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyspark.sql import DataFrame

        from pipelines.transforms.worth import with_worth

        needs = _needs(task, policy, asked) if isinstance(policy, Picking | Shortlisting) and policy.needs else None
        frames = []
        for number, rows in enumerate(parts):
            named = {"_part": pa.repeat(number, len(rows)), "_row": pa.array(np.arange(len(rows)))}
            for name, values in named.items():
                rows = rows.append_column(name, values)
            if needs is not None:
                rows = rows.join(needs, [task.spine.entity, "cut_at"])
            frames.append(with_worth(work.context.spark().createDataFrame(rows), task, policy))
        found = reduce(DataFrame.unionByName, frames).toArrow().sort_by([("_part", "ascending"), ("_row", "ascending")])
        return [found.filter(pc.equal(found["_part"], number)).select(WORTH) for number in range(len(parts))]

    return priced


def _needs(task: Task, policy: Picking | Shortlisting, asked: FitPlan) -> pa.Table:
    """The features that the policy needs, by entity and cut-off of the spans that are judged."""
    import pyarrow as pa

    from pipelines.engines.shards import cut_offs_of
    from pipelines.stages.evaluate import JUDGED

    return pa.concat_tables([cut_offs_of(asked, task.split.spans[name], policy.needs) for name in JUDGED])
