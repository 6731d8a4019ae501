"""Rows as an order is learnt from them: those of a query side by side, of queries that have something to put first.

A query in which no row is relevant, or none is known to be, teaches no order and is judged by none, so it is left out
of both spans of a fit: the learning curve is then of the queries that the backtest counts, too.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.contracts.fits import FitPlan
from pipelines.models.labels import check_classes, no_label
from pipelines.models.rows import LABEL, Values, matrix

Numbers = npt.NDArray[np.int64]

QUERY = "query"
"""The column of flattened rows with the number of their query, which rises from row to row."""


def in_queries(examples: pa.Table, plan: FitPlan, span: str) -> tuple[Values, Values, Numbers]:
    """Features (rows, features), relevance (rows,) and the number of each row's query, ascending, of the rows that
    teach. FitError where there are none, or a label is no relevance."""
    examples = examples.sort_by([(name, "ascending") for name in plan.frame.order])
    values = matrix(examples, (*plan.frame.features, LABEL), plan.frame.steps)
    labels, query = values[:, -1], numbers(examples[plan.frame.query])
    check_classes(labels[~np.isnan(labels)], plan)
    is_taught = teaches(labels, query)
    if not is_taught.any():
        raise no_label(plan, span)
    return np.ascontiguousarray(values[is_taught, :-1]), labels[is_taught], query[is_taught]


def numbers(queries: pa.ChunkedArray | pa.Array, first: int = 0) -> Numbers:
    """A number for each row's query, from `first` on. queries: their names, those of one query side by side."""
    names = np.asarray(queries.to_numpy(zero_copy_only=False), object)
    begins = np.ones(len(names), np.int64)
    begins[1:] = names[1:] != names[:-1]
    return first - 1 + np.cumsum(begins)


def teaches(labels: Values, query: Numbers) -> npt.NDArray[np.bool_]:
    """Which rows have a known label, in a query with a relevant row. labels: NaN where unknown; query: numbers."""
    if not len(labels):
        return np.zeros(0, np.bool_)
    place = query - query[0]
    has_relevant = np.bincount(place, weights=labels > 0.0) > 0.0
    return ~np.isnan(labels) & has_relevant[place]
