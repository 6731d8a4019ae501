"""The power of a combined cycle plant in an hour's weather, by ten folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sklearn.metrics import mean_squared_error, root_mean_squared_error

from tests.quality.cross_validation import Goal, Study
from tests.quality.figure import Figure
from tests.quality.tabular import Learner
from tests.reference_domains.ccpp.domain import DOMAIN

DATA = "energy/ccpp/Folds5x2_pp.csv.gz"
MARK = 3.07
BOOSTED = {"loss": "squared", "rounds": 800, "min_child_weight": 2.0, "colsample_bytree": 0.8, "segment": 800}


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """The root of the mean squared error over ten folds, in MW."""
    study = Study(
        name="CCPP",
        domain=DOMAIN,
        source="hours",
        about="combined cycle power plant, 9,568 hours and 4 inputs through land, bronze, silver and gold",
        plain=Learner("linear"),
        learners={
            "trees of depth 8": Learner("xgboost", BOOSTED | {"max_depth": 8}),
            "trees of depth 10": Learner("xgboost", BOOSTED | {"max_depth": 10}),
            "a forest": Learner("random_forest", {"trees": 100, "max_depth": 30, "min_leaf": 1}),
        },
        loss=mean_squared_error,
        goals=[
            Goal(
                "RMSE",
                root_mean_squared_error,
                reference=reference["measured_here_xgb"]["CCPP 10-fold RMSE"],
                first_mark=MARK,
                goal=MARK,
                more_is_better=False,
                of_all=True,
            )
        ],
        folds=10,
    )
    yield from study.figures(data / DATA, quick)
