"""One tree of decisions, which can be read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.contracts.fits import FitPlan
from pipelines.models.base import Param
from pipelines.models.class_weights import CLASS_WEIGHT
from pipelines.models.tree_families import TreesFamily


class DecisionTree(TreesFamily):
    """A single tree (Breiman, Friedman, Olshen and Stone 1984): coarse, but each answer is a chain of questions."""

    name = "decision_tree"
    params = (
        Param("max_depth", int, 6, (4, 6, 8, 10), "depth of the tree"),
        Param("min_leaf", int, 20, (5, 20, 80), "least rows of a leaf"),
        Param("bins", int, 64, None, "ranges of a feature between which pyspark.ml tries to split"),
        CLASS_WEIGHT,
    )

    def grown_here(self, params: Mapping[str, Any], plan: FitPlan) -> Any:
        from sklearn.tree import DecisionTreeRegressor

        return DecisionTreeRegressor(
            max_depth=params["max_depth"], min_samples_leaf=params["min_leaf"], random_state=plan.seed
        )

    def grown_in_spark(self, params: Mapping[str, Any], plan: FitPlan) -> Any:
        from pyspark.ml.regression import DecisionTreeRegressor

        return DecisionTreeRegressor(
            maxDepth=params["max_depth"],
            minInstancesPerNode=params["min_leaf"],
            maxBins=params["bins"],
            seed=plan.seed,
        )
