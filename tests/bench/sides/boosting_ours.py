"""Boosted trees by the product's own engine: XGBoost on Spark, two workers of one thread."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import polars as pl

from pipelines.contracts.fits import FitPlan, Frame, Shard, Workspace
from pipelines.engines import fit
from pipelines.engines.recorder import FileRecorder
from pipelines.engines.shards import examples_of
from pipelines.models.base import families
from tests.bench.made_events import FEATURES, LABEL
from tests.bench.sides.boosting import PARAMS, TREES, spans_of, tell_auc
from tests.bench.sides.spark import started
from tests.bench.sides.twice import LARGE, counted

FRAME = Frame(
    entity="event_id",
    cut_offs="gold.asked",
    cut_off_features=FEATURES,
    targets=(),
    windows=(),
    label=LABEL,
    label_series="gold.outcomes",
    step=timedelta(0),
    steps=1,
    label_known_after=timedelta(0),
)


def plan_of(data: Path) -> FitPlan:
    train, validate, _ = spans_of(data)
    return FitPlan(
        domain="made",
        task=LABEL,
        family="xgboost",
        engine="xgboost_spark",
        params=PARAMS | {"rounds": TREES, "patience": TREES},
        seed=1,
        frame=FRAME,
        quantiles=(),
        train=train,
        validate=validate,
        tables={
            f"gold.{name}": Shard(f"gold.{name}", 1, tuple(map(str, sorted((data / name).glob("*.parquet")))))
            for name in ("asked", "outcomes")
        },
        workers=2,
    )


def main(conf: str, data: str, made: str) -> None:
    spark = started(conf)

    def work(read: Path, written: Path) -> None:
        workspace = Workspace(written)
        result = fit(plan_of(read), workspace, lambda: spark, FileRecorder(workspace))
        (written / "model.ubj").write_bytes(result.model)

    counted(work, data, made)
    scorer = families()["xgboost"].scorer((Path(made) / LARGE / "model.ubj").read_bytes())
    test = examples_of(plan_of(Path(data) / LARGE), spans_of(Path(data) / LARGE)[2])
    tell_auc(data, pl.Series(scorer.predict(test)["probability"].to_numpy()))


if __name__ == "__main__":
    main(*sys.argv[1:])
