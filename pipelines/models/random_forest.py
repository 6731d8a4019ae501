"""Many trees, each grown on other rows and features, and their mean."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from pipelines.contracts.fits import FitPlan
from pipelines.models.base import Param
from pipelines.models.class_weights import CLASS_WEIGHT
from pipelines.models.tree_families import TreesFamily


class RandomForest(TreesFamily):
    """Trees on rows drawn with putting back, each split chosen among some of the features (Breiman 2001)."""

    name = "random_forest"
    params = (
        Param("trees", int, 60, None, "number of trees"),
        Param("max_depth", int, 10, (6, 10, 14), "depth of a tree"),
        Param("min_leaf", int, 10, (3, 10, 40), "least rows of a leaf"),
        Param("features_share", float, 0.4, (0.2, 0.4, 0.8), "part of the features that each split chooses from"),
        Param("subsample", float, 1.0, None, "rows drawn for a tree, as a part of all"),
        Param("bins", int, 64, None, "ranges of a feature between which pyspark.ml tries to split"),
        CLASS_WEIGHT,
    )

    def grown_here(self, params: Mapping[str, Any], plan: FitPlan) -> Any:
        from sklearn.ensemble import RandomForestRegressor

        return RandomForestRegressor(
            n_estimators=params["trees"],
            max_depth=params["max_depth"],
            min_samples_leaf=params["min_leaf"],
            max_features=_features_of_a_split(params, plan),
            max_samples=params["subsample"],
            random_state=plan.seed,
        )

    def grown_in_spark(self, params: Mapping[str, Any], plan: FitPlan) -> Any:
        from pyspark.ml.regression import RandomForestRegressor

        return RandomForestRegressor(
            numTrees=params["trees"],
            maxDepth=params["max_depth"],
            minInstancesPerNode=params["min_leaf"],
            featureSubsetStrategy=str(_features_of_a_split(params, plan)),
            subsamplingRate=params["subsample"],
            maxBins=params["bins"],
            seed=plan.seed,
        )


def _features_of_a_split(params: Mapping[str, Any], plan: FitPlan) -> int:
    """A number, since the engines round a part differently."""
    count = len(plan.frame.features)
    return min(count, max(1, math.ceil(float(params["features_share"]) * count)))
