"""Boosted trees by pyspark.ml's GBTClassifier: few of them, for each takes long."""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.ml.classification import GBTClassifier
from pyspark.ml.feature import VectorAssembler
from pyspark.sql import functions as F

from tests.bench.made_events import FEATURES, LABEL
from tests.bench.sides.boosting import PARAMS, spans_of
from tests.bench.sides.spark import started
from tests.bench.sides.twice import counted


def main(conf: str, trees: str, data: str, made: str) -> None:
    spark = started(conf)

    def work(read: Path, written: Path) -> None:
        train, _, _ = spans_of(read)
        asked = spark.read.parquet(str(read / "asked")).where(F.col("cut_at") < F.lit(train.end))
        outcomes = spark.read.parquet(str(read / "outcomes")).select("event_id", LABEL)
        filled = [F.coalesce(name, F.lit(0.0)).alias(name) for name in FEATURES]  # it knows no missing values
        rows = asked.join(outcomes, "event_id").select(*filled, LABEL)
        design = VectorAssembler(inputCols=list(FEATURES), outputCol="features").transform(rows)
        model = GBTClassifier(
            labelCol=LABEL,
            maxIter=int(trees),
            maxDepth=int(PARAMS["max_depth"]),
            stepSize=PARAMS["learning_rate"],
            subsamplingRate=PARAMS["subsample"],
            featureSubsetStrategy=str(PARAMS["colsample_bytree"]),
            seed=1,
        ).fit(design.select("features", LABEL))
        model.write().overwrite().save(str(written))

    counted(work, data, made)


if __name__ == "__main__":
    main(*sys.argv[1:])
