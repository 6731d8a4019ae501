"""Which milling machines fail, by five folds and without the flags that say of what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sklearn.metrics import average_precision_score, roc_auc_score

from tests.quality.choice import missed
from tests.quality.cross_validation import Goal, Study
from tests.quality.figure import Figure
from tests.quality.tabular import Learner
from tests.reference_domains.ai4i.domain import DOMAIN

DATA = "manufacturing/ai4i/ai4i2020.csv.gz"
AUC, AP = (0.977, 0.98), (0.807, 0.85)


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """AUC and average precision over five folds."""
    measured = reference["measured_here_xgb"]
    study = Study(
        name="AI4I",
        domain=DOMAIN,
        source="machines",
        about="AI4I 2020, 10,000 machines, 6 readings and 3 physical terms of them through land, bronze, silver and "
        "gold, without the flags of what failed",
        plain=Learner("logistic"),
        learners={
            "trees of depth 4": Learner("xgboost", {"rounds": 300, "max_depth": 4, "min_child_weight": 1.0}),
            "trees of depth 6": Learner("xgboost", {"rounds": 300, "max_depth": 6, "colsample_bytree": 0.8}),
            "a forest": Learner("random_forest", {"trees": 200, "max_depth": 30, "min_leaf": 1}),
        },
        loss=missed,
        goals=[
            Goal("AUC", roc_auc_score, measured["AI4I (6 features, no TWF/HDF/PWF/OSF/RNF) AUC"], *AUC),
            Goal("average precision", average_precision_score, measured["AI4I AP"], *AP),
        ],
        folds=5,
    )
    yield from study.figures(data / DATA, quick)
