"""LAPACK in Spark's JVMs: its first call in each must be over before tasks call it side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_APART_MS = 20


def begin_lapack(spark: SparkSession) -> None:
    """Make the first call, in the JVM of each executor, alone.

    Where there is no native LAPACK, spark.ml takes one in Java, whose first call measures the machine and keeps what it
    finds in static variables. A call beside that one finds them empty and never ends, and neither does the fit
    (netlib-java's issue 5, of 2010; of the first 70 pairs of threads that began at once 3 hung, in Dlascl).
    """
    context = spark.sparkContext
    if str(context.master).startswith("local["):
        spark._jvm.org.netlib.lapack.Dlamch.dlamch("E")  # type: ignore[union-attr]
        return
    from pyspark.sql import functions as F

    # a task for each core, those of one executor not at the same time
    tasks = spark.range(0, context.defaultParallelism, 1, context.defaultParallelism)
    waited = F.expr(f"java_method('java.lang.Thread', 'sleep', id * {_APART_MS})")
    tasks.select(waited, F.expr("java_method('org.netlib.lapack.Dlamch', 'dlamch', 'E')")).collect()
