"""Which credit card accounts are defaulted next month, by five folds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from sklearn.metrics import log_loss, roc_auc_score

from tests.quality.cross_validation import Goal, Study
from tests.quality.figure import Figure
from tests.quality.tabular import Learner
from tests.reference_domains.uci_default.domain import DOMAIN

DATA = "finance/uci_default/UCI_Credit_Card.csv.gz"
FOREST = {"trees": 100, "max_depth": 14, "min_leaf": 10, "features_share": 0.2}
AUC = (0.783, 0.787)


def figures(data: Path, reference: Mapping[str, Any], quick: bool) -> Iterator[Figure]:
    """AUC over five folds."""
    study = Study(
        name="UCI default",
        domain=DOMAIN,
        source="accounts",
        about="UCI default of credit card clients, 30,000 accounts, 23 inputs and 18 terms of them through land, "
        "bronze, silver and gold",
        plain=Learner("logistic"),
        learners={
            "trees": Learner("xgboost", {"rounds": 300, "learning_rate": 0.04, "max_depth": 4}),
            "a forest": Learner(
                "random_forest", {"trees": 100, "max_depth": 14, "min_leaf": 10, "features_share": 0.2}
            ),
            "a net": Learner("mlp"),
        },
        loss=log_loss,
        goals=[Goal("AUC", roc_auc_score, reference["measured_here_xgb"]["uci_default AUC"], *AUC)],
        folds=5,
    )
    yield from study.figures(data / DATA, quick)
