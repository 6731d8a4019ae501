"""Spark as every side of a race starts it: the product's own properties. Run alone, it does one job."""

from __future__ import annotations

import sys
from pathlib import Path

from pyspark.sql import SparkSession

from pipelines.io.session import session
from pipelines.settings import load


def started(conf: str) -> SparkSession:
    """A session of this process, which has run one job."""
    spark = session(load(Path(conf)))
    spark.range(2).count()
    return spark


if __name__ == "__main__":
    started(sys.argv[1])
