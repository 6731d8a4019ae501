"""How well the rows of each query stand in the order of a score, the relevant ones first: NDCG, MAP and MRR.

A query without a relevant row has no order to judge: its figures are NaN, and whoever takes a mean leaves it out and
counts it (`has_relevant`). Equal scores stand in the order in which the rows are given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Orders:
    """Rows by query, and in each by falling score. query: (rows,) numbers from 0, ascending; place: (rows,) from 1 in
    each query; relevance: (rows,); ideal: the same by falling relevance. is_scored: (queries,) whether no score lacks.
    """

    query: Numbers
    place: Numbers
    relevance: Values
    ideal: Values
    is_scored: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, relevance: Values, score: Values, query: Numbers) -> Orders:
        """relevance: whole numbers from 0, above 0 is relevant; score: the greater the nearer to the top, NaN where a
        prediction lacks; query: each row's, numbers from 0 without a hole, in any order. One row at least."""
        if not len(query) or relevance.shape != query.shape or score.shape != query.shape:
            raise ValueError(f"metrics: {relevance.shape} relevances and {score.shape} scores in {query.shape} rows")
        best, ideal = (np.lexsort((-by, query)) for by in (score, relevance))
        sizes = np.bincount(query)
        begins = np.repeat(np.cumsum(sizes) - sizes, sizes)
        is_scored = np.bincount(query, weights=np.isnan(score)) == 0.0
        return cls(query[best], np.arange(len(query)) - begins + 1, relevance[best], relevance[ideal], is_scored)

    @property
    def has_relevant(self) -> npt.NDArray[np.bool_]:
        """(queries,): which have an order that can be judged."""
        return self._summed(self.relevance > 0.0) > 0.0

    def ndcg(self, top: int) -> Values:
        """(queries,): the gain of the first `top` places, each divided by the binary logarithm of its place and 1, in
        parts of the greatest that there could be (Järvelin and Kekäläinen 2002); the gain of a row is 2 to its
        relevance, less 1 (Burges et al. 2005)."""
        worth = np.where(self.place <= top, 1.0 / np.log2(self.place + 1.0), 0.0)
        found, best = (self._summed((2.0**of - 1.0) * worth) for of in (self.relevance, self.ideal))
        return self._judged(found, best)

    def average_precision(self, top: int) -> Values:
        """(queries,): the mean share of relevant rows down to each relevant one of the first `top` places; relevant
        ones that are missing there count 0, as far as there was room for them. Its mean is MAP."""
        is_relevant = self.relevance > 0.0
        so_far: Numbers = np.cumsum(is_relevant)
        before: Numbers = (so_far - is_relevant)[self.place == 1][self.query]
        precision = np.where(is_relevant & (self.place <= top), (so_far - before) / self.place, 0.0)
        return self._judged(self._summed(precision), np.minimum(self._summed(is_relevant), top))

    def reciprocal_rank(self) -> Values:
        """(queries,): 1 divided by the place of the first relevant row. Its mean is MRR."""
        query, first = np.unique(self.query[self.relevance > 0.0], return_index=True)
        found = np.zeros(len(self.is_scored))
        found[query] = 1.0 / self.place[self.relevance > 0.0][first]
        return self._judged(found, np.where(self.has_relevant, 1.0, 0.0))

    def mean(self, of_query: Values) -> float:
        """Over the queries with a relevant row, one of which there must be; NaN where one of these lacks a score."""
        return float(np.mean(of_query[self.has_relevant]))

    def _summed(self, of_row: npt.NDArray[np.floating] | npt.NDArray[np.bool_]) -> Values:
        return np.asarray(np.bincount(self.query, weights=of_row, minlength=len(self.is_scored)), np.float64)

    def _judged(self, found: Values, best: Values) -> Values:
        judged = np.full(len(found), np.nan)
        np.divide(found, best, out=judged, where=(best > 0.0) & self.is_scored)
        return judged
