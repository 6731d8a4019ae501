"""The value of homes in Boston's tracts, by ten folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sklearn.metrics import mean_squared_error, r2_score

from tests.quality.cross_validation import Goal, Study
from tests.quality.figure import Figure
from tests.quality.tabular import Learner
from tests.reference_domains.boston.domain import DOMAIN

DATA = "other/boston/BostonHousing.csv"
BOOSTED = {"loss": "squared", "min_child_weight": 1.0}


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """R² over ten folds."""
    mark = reference["measured_here_xgb"]["Boston 10-fold R2"]
    study = Study(
        name="Boston",
        domain=DOMAIN,
        source="tracts",
        about="Boston housing, 506 tracts and 13 inputs through land, bronze, silver and gold",
        plain=Learner("linear"),
        learners={
            "trees of depth 3": Learner("xgboost", BOOSTED | {"rounds": 600, "max_depth": 3, "colsample_bytree": 0.5}),
            "trees of depth 4": Learner("xgboost", BOOSTED | {"rounds": 300, "max_depth": 4, "colsample_bytree": 0.8}),
            "a forest": Learner("random_forest", {"trees": 100, "max_depth": 30, "min_leaf": 1}),
            "a net": Learner("mlp", {"epochs": 100, "batch": 64, "dropout": 0.0}),
        },
        loss=mean_squared_error,
        goals=[
            Goal("R2 of all rows", r2_score, mark, mark, mark, of_all=True),
            Goal("R2, mean of folds", r2_score, mark, mark, mark),
        ],
        folds=10,
    )
    yield from study.figures(data / DATA, quick)
