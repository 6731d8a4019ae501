"""Examples, which hold one list a column, as rows of one step each: what tabular families learn from and predict."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import Frame

Values = npt.NDArray[np.float64]

STEP = "step"
LABEL = "label"
CYCLES = {"calendar__time_of_day": 24.0, "calendar__weekday": 7.0, "calendar__day_of_year": 365.25}
"""Features that come round, with the length of their round."""
_INSTANT = pa.timestamp("us", tz="UTC")


def flatten(examples: pa.Table, frame: Frame) -> pa.Table:
    """One row per (entity, cut_at, step): the keys, `target_at`, `frame.features` in order (double), `label`."""
    rows = keys(examples, frame.entity, frame.step, frame.steps)
    values = matrix(examples, (*frame.features, LABEL), frame.steps)
    for j, name in enumerate((*frame.features, LABEL)):
        column = pa.array(np.ascontiguousarray(values[:, j]), pa.float64(), from_pandas=True)
        rows = rows if name == STEP else rows.append_column(name, column)
    return rows


def keys(examples: pa.Table, entity: str, step: timedelta, steps: int) -> pa.Table:
    """entity, `cut_at`, `step` (int32, 1 … steps) and `target_at` of every row, in the order of `matrix`."""
    example = pa.array(np.repeat(np.arange(len(examples)), steps))
    number = np.tile(np.arange(1, steps + 1, dtype=np.int32), len(examples))
    cut_at = np.asarray(examples["cut_at"].cast(_INSTANT).cast(pa.int64())).repeat(steps)
    target_at = cut_at + (number - 1).astype(np.int64) * (step // timedelta(microseconds=1))
    return pa.table(
        {
            entity: examples[entity].take(example),
            "cut_at": pa.array(cut_at, _INSTANT),
            STEP: number,
            "target_at": pa.array(target_at, _INSTANT),
        }
    )


def matrix(examples: pa.Table, names: Sequence[str], steps: int) -> Values:
    """(examples · steps, names) of the named columns, null as NaN: an example's own value is repeated for each step."""
    columns = np.empty((len(names), len(examples) * steps))
    for j, name in enumerate(names):
        if name == STEP:
            columns[j] = np.tile(np.arange(1.0, steps + 1), len(examples))
        elif pa.types.is_list(examples.schema.field(name).type):
            columns[j] = lists(examples, name, steps).ravel()
        else:
            columns[j] = np.repeat(examples[name].cast(pa.float64()).to_numpy(), steps)
    return np.ascontiguousarray(columns.T)


def lists(examples: pa.Table, name: str, length: int) -> Values:
    """(examples, length) of a list column, null as NaN."""
    flat = examples[name].combine_chunks().flatten().cast(pa.float64()).to_numpy(zero_copy_only=False)
    if len(flat) != len(examples) * length:
        raise ValueError(f"examples: '{name}' must hold {length} values in each of {len(examples)} rows")
    return np.asarray(flat, np.float64).reshape(len(examples), length)
