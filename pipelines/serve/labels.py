"""A task's label as analysts look at it: over time, and beside the features of its cut-offs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pandas as pd

from pipelines.contracts.domain import Domain
from pipelines.contracts.tasks import Events, Task
from pipelines.serve.published import Published, Sample

LABEL = "label"


def label_series(published: Published, domain: Domain, task: Task) -> pd.DataFrame:
    """(`entity`, `at`, `label`): every known value of what the task predicts, as last said."""
    columns = (task.spine.entity, "at", "known_until", task.column)
    rows = published.read(domain.delta_table("gold", f"{task.table}_series"), columns)
    rows = rows[rows["known_until"].isna() & rows[task.column].notna()].drop(columns="known_until")
    return rows.set_axis(["entity", "at", LABEL], axis=1).astype({LABEL: float})


def labelled(published: Published, domain: Domain, task: Task) -> Sample:
    """A sample of the task's cut-offs: their features, and the known ones' `label`.

    Of a forecast of many steps the label is the mean over all of them, NaN where one is not known.
    """
    sample = published.sample(domain.delta_table("gold", task.name))
    series = label_series(published, domain, task)
    cut_offs = sample.frame
    asked = cut_offs[task.spine.entity]
    if isinstance(task.spine, Events):
        label = asked.map(series.drop_duplicates("entity").set_index("entity")[LABEL]).to_numpy(float)
    else:
        label = np.full(len(cut_offs), np.nan)
        told = dict(iter(series.groupby("entity")))
        for entity in asked.unique():
            if entity in told:
                ours = (asked == entity).to_numpy()
                label[ours] = _means(told[entity], cut_offs["cut_at"][ours], task.horizon, task.steps)
    return replace(sample, frame=cut_offs.assign(**{LABEL: label}))


def _means(series: pd.DataFrame, cut_at: pd.Series[pd.Timestamp], horizon: timedelta, steps: int) -> np.ndarray:
    """The mean of the values in [cut_at, cut_at + horizon), of which there must be `steps`."""
    series = series.sort_values("at")
    sums = np.concatenate([[0.0], np.cumsum(series[LABEL].to_numpy())])
    first, last = (series["at"].searchsorted(at) for at in (cut_at, cut_at + horizon))
    return np.where(last - first == steps, (sums[last] - sums[first]) / steps, np.nan)
