"""What a domain's features.py may do to a table: add columns to each row, and nothing else."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tables import Column, Table
from pipelines.transforms.computed import with_computed
from tests.frames import frame, rows

LEVELS = Table(
    "levels",
    source="logs",
    key=("gauge_id",),
    columns=(Column("gauge_id", "string"), Column("level_m", "double"), Column("is_high", "int")),
    computed=(Column("spill_m", "double", unit="m"), Column("is_spilling", "int")),
)


@pytest.fixture(scope="module")
def levels(spark):
    said = [("a", 3.0, 1, "2024-01-01 05:00"), ("b", 2.0, 0, "2024-01-01 06:00")]
    return frame(spark, "gauge_id string, level_m double, is_high int, available_at timestamp", said)


def test_computed_columns_stand_beside_the_others_in_their_declared_types(levels):
    above = F.udf(lambda level_m: max(level_m - 2.5, 0.0), "double")

    def compute(given: DataFrame) -> DataFrame:
        found = given.select("*", above("level_m").alias("spill_m"), F.lit("left over").alias("note"))
        return found.alias("found").withColumn("is_spilling", F.col("found.spill_m") > 0)

    found = with_computed(levels, LEVELS, compute)
    assert found.dtypes[-2:] == [("spill_m", "double"), ("is_spilling", "int")]
    assert rows(found, "gauge_id") == [
        ("a", 3.0, 1, "2024-01-01 05:00", 0.5, 1),
        ("b", 2.0, 0, "2024-01-01 06:00", 0.0, 0),
    ]


def both(found: DataFrame) -> DataFrame:
    return found.withColumns({"spill_m": F.lit(0.0), "is_spilling": F.lit(0)})


def global_target_encoding(given: DataFrame) -> DataFrame:
    """The label's mean over all rows of a gauge, whenever they were told: the leak that must not be declarable."""
    return given.withColumns(
        {"spill_m": F.avg("is_high").over(Window.partitionBy("gauge_id")), "is_spilling": F.lit(0)}
    )


def joined(given: DataFrame) -> DataFrame:
    return both(given.join(given.groupBy("gauge_id").agg(F.avg("is_high").alias("mean")), "gauge_id"))


def fewer(given: DataFrame) -> DataFrame:
    return both(given).where("level_m > 2.5")


def told_earlier(given: DataFrame) -> DataFrame:
    return both(given.withColumn("available_at", F.col("available_at") - F.expr("interval 1 day")))


def renamed(given: DataFrame) -> DataFrame:
    return both(given.withColumn("level_m", F.col("level_m") * 100))


def one_alone(given: DataFrame) -> DataFrame:
    return given.withColumn("spill_m", F.lit(0.0))


def dropped(given: DataFrame) -> DataFrame:
    return both(given.drop("level_m"))


@pytest.mark.parametrize(
    ("compute", "told"),
    [
        (global_target_encoding, "does more than add columns to each row (Window), so that a row could know what was"),
        (joined, "does more than add columns to each row (Join)"),
        (fewer, "does more than add columns to each row (Filter)"),
        (told_earlier, "changes the column 'available_at'; it may only add columns"),
        (renamed, "changes the column 'level_m'"),
        (one_alone, "gives no column 'is_spilling'; it must give all that it gets, and the computed columns of"),
        (dropped, "gives no column 'level_m'"),
    ],
)
def test_what_could_let_a_row_know_too_much_is_refused(levels, compute, told):
    with pytest.raises(DeclarationError) as refused:
        with_computed(levels, LEVELS, compute)
    assert f"test_computed.{compute.__name__}: {told}" in str(refused.value)


def test_a_computed_column_has_a_name_of_its_own():
    with pytest.raises(DeclarationError, match="table 'levels': a column is declared twice"):
        Table("levels", "logs", ("id",), (Column("id", "string"),), computed=(Column("id", "double"),))
