"""Trees in which what is odd stands alone early."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipelines.contracts.fits import FitPlan, FitResult, Recorder
from pipelines.contracts.tasks import Detect
from pipelines.models.base import IS_VALIDATION, Param, RowsFamily, Scorer, Signature
from pipelines.models.labels import unlabelled
from pipelines.models.oddity import Ranks
from pipelines.models.rows import LABEL, Values, matrix
from pipelines.models.trees import Trees, filled, from_scikit_learn, unsealed, with_values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_EULER = 0.5772156649015329


class IsolationForest(RowsFamily):
    """Random splits of small samples: the fewer it takes to set a row apart, the odder it is (Liu, Ting and Zhou 2008,
    whose measure 2^(−mean depth / mean depth of a search tree) is ranked among the training rows here).

    Each tree sees `sample` rows, so no more than `most_rows` drawn from all of them are ever brought together; on Spark
    they are drawn there. What is missing counts as the mean.
    """

    name = "isolation_forest"
    engines = ("spark_ml", "single")
    tasks = (Detect,)
    params = (
        Param("trees", int, 200, (100, 200, 400), "number of trees"),
        Param("sample", int, 256, (128, 256, 1024), "rows that each tree is grown on"),
        Param("most_rows", int, 200_000, None, "rows that samples and ranks are drawn from, if there are more"),
    )

    def fit(self, train: pa.Table, validate: pa.Table, plan: FitPlan, recorder: Recorder) -> FitResult:
        values = unlabelled(train, plan, "train")
        most = int(self.settled(plan.params)["most_rows"])
        if len(values) > most:
            values = values[np.sort(np.random.default_rng(plan.seed).choice(len(values), most, replace=False))]
        return self._grown(values, plan)

    def fit_rows(self, rows: DataFrame, plan: FitPlan, recorder: Recorder) -> FitResult:
        from pyspark.sql import functions as F

        most = int(self.settled(plan.params)["most_rows"])
        drawn = rows.where(~F.col(IS_VALIDATION)).drop(IS_VALIDATION, LABEL).orderBy(F.rand(plan.seed)).limit(most)
        table = drawn.toArrow()
        columns = [table[name].to_numpy(zero_copy_only=False) for name in plan.frame.features]
        return self._grown(np.stack(columns, axis=1).astype(np.float64), plan)

    def _grown(self, values: Values, plan: FitPlan) -> FitResult:
        from sklearn.ensemble import IsolationForest as Forest

        params = self.settled(plan.params)
        is_known = ~np.isnan(values)
        fill = np.where(is_known, values, 0.0).sum(axis=0) / np.maximum(is_known.sum(axis=0), 1)
        sample = min(int(params["sample"]), len(values))
        forest = Forest(n_estimators=int(params["trees"]), max_samples=sample, random_state=plan.seed)
        forest.fit(filled(values, fill))
        depths = np.concatenate([_depths(tree.tree_) for tree in forest.estimators_])
        trees = from_scikit_learn(forest.estimators_, fill)
        trees = with_values(trees, np.arange(len(depths)), depths[:, None])
        ranks = Ranks.of(_oddity(trees, sample, values))
        content = {"signature": Signature.of(plan).json(), "sample": sample, "marks": ranks.marks, "rows": ranks.rows}
        return FitResult(model=trees.sealed(content), format="safetensors")

    def scorer(self, model: bytes) -> Scorer:
        trees, content = unsealed(model)
        ranks = Ranks(content["marks"], content["rows"])
        return _IsolationScorer(Signature.read(content["signature"]), trees, content["sample"], ranks)


class _IsolationScorer(Scorer):
    def __init__(self, signature: Signature, trees: Trees, sample: int, ranks: Ranks) -> None:
        super().__init__(signature)
        self._trees, self._sample, self._ranks = trees, sample, ranks

    def outputs(self, examples: pa.Table) -> Values:
        values = matrix(examples, self.signature.features, self.signature.steps)
        return self._ranks.score(_oddity(self._trees, self._sample, values))


def _oddity(trees: Trees, sample: int, values: Values) -> Values:
    mean = float(_mean_depth(np.array([sample]))[0]) or 1.0
    return np.asarray(2.0 ** (-trees.means(values)[:, 0] / mean), np.float64)


def _depths(tree: object) -> Values:
    """Of every node: the splits before it, and those that its rows would still need on average."""
    left, right = tree.children_left, tree.children_right  # type: ignore[attr-defined]
    depths = np.zeros(len(left))
    for node in range(len(left)):  # a parent stands before its children
        if left[node] >= 0:
            depths[[left[node], right[node]]] = depths[node] + 1.0
    return depths + _mean_depth(tree.n_node_samples)  # type: ignore[attr-defined]


def _mean_depth(rows: Values) -> Values:
    """The mean depth at which a search fails in a binary search tree of so many rows."""
    some = np.maximum(np.asarray(rows, np.float64), 3.0)
    found = 2.0 * (np.log(some - 1.0) + _EULER) - 2.0 * (some - 1.0) / some
    return np.where(rows <= 1, 0.0, np.where(rows == 2, 1.0, found))
