"""What the pond's level means at the weir."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

WEIR_M = 2.5


def levels(rows: DataFrame) -> DataFrame:
    """How high the water stands above the weir."""
    above = F.greatest(F.col("level_m") - WEIR_M, F.lit(0.0))
    return rows.withColumn("spill_m", F.when(F.col("level_m").isNotNull(), above))  # greatest looks past a null
