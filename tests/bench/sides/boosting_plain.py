"""Boosted trees by xgboost alone: one process, two threads, the same parameters and curves."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import xgboost

from tests.bench.made_events import FEATURES, LABEL
from tests.bench.sides.boosting import PARAMS, TREES, rows_of, spans_of, tell_auc
from tests.bench.sides.twice import LARGE, counted


def main(data: str, made: str) -> None:
    def work(read: Path, written: Path) -> None:
        train_span, validate_span, _ = spans_of(read)
        rows = rows_of(read, train_span)
        train = xgboost.QuantileDMatrix(rows.select(FEATURES).to_numpy(), rows[LABEL].to_numpy(), nthread=2)
        rows = rows_of(read, validate_span)
        judged = rows.select(FEATURES).to_numpy(), rows[LABEL].to_numpy()
        validate = xgboost.QuantileDMatrix(*judged, ref=train, nthread=2)
        booster = xgboost.train(
            PARAMS
            | {
                "objective": "binary:logistic",
                "eval_metric": "logloss",
                "tree_method": "hist",
                "nthread": 2,
                "seed": 1,
            },
            train,
            num_boost_round=TREES,
            evals=[(train, "train"), (validate, "validate")],
            verbose_eval=False,
        )
        written.mkdir(parents=True)
        booster.save_model(written / "model.ubj")

    counted(work, data, made)
    booster = xgboost.Booster({"nthread": 2}, model_file=Path(made) / LARGE / "model.ubj")
    test = rows_of(Path(data) / LARGE, spans_of(Path(data) / LARGE)[2])
    tell_auc(data, pl.Series(booster.predict(xgboost.DMatrix(test.select(FEATURES).to_numpy()))))


if __name__ == "__main__":
    main(*sys.argv[1:])
