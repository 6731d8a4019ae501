"""A held table takes a wider type with every value, or keeps the one it has."""

from __future__ import annotations

import pytest
from pyspark.sql import types as T

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tables import Column, Table
from pipelines.transforms.evolution import evolution, evolved, losses
from tests.frames import frame, rows

TYPES = {
    "int": T.IntegerType(),
    "bigint": T.LongType(),
    "float": T.FloatType(),
    "double": T.DoubleType(),
    "decimal(12,2)": T.DecimalType(12, 2),
    "date": T.DateType(),
    "timestamp": T.TimestampType(),
    "string": T.StringType(),
}
WIDER = {
    "int": ("bigint", "double", "decimal(10,0)", "decimal(12,2)", "string"),
    "bigint": ("double", "decimal(19,0)", "string"),
    "float": ("double", "string"),
    "double": ("string",),
    "decimal(12,2)": ("decimal(14,2)", "decimal(14,4)", "string"),
    "date": ("timestamp", "string"),
}
LOSSY = {
    "int": ("smallint", "float", "decimal(9,0)", "decimal(11,2)", "boolean", "date"),
    "bigint": ("int", "float", "decimal(18,0)"),
    "double": ("float", "bigint", "decimal(38,10)"),
    "decimal(12,2)": ("decimal(12,3)", "decimal(12,1)", "double"),
    "timestamp": ("date",),
    "string": ("int", "double"),
}


def pools(kind: str, **parts) -> Table:
    columns = (Column("pool_id", "string"), Column("x", kind), *parts.pop("columns", ()))
    return Table("pools", source="pools", key=("pool_id",), columns=columns, **parts)


def held(kind: str) -> T.StructType:
    return T.StructType([T.StructField("pool_id", T.StringType()), T.StructField("x", TYPES[kind])])


@pytest.mark.parametrize(("of", "to"), [(of, to) for of, wider in WIDER.items() for to in wider])
def test_a_type_that_holds_all_values_of_another_is_wider(of, to):
    assert evolution(pools(to), held(of), {"pool_id": "string", "x": to}) == ({"x": to}, {})


@pytest.mark.parametrize(("of", "to"), [(of, to) for of, others in LOSSY.items() for to in others])
def test_any_other_type_is_refused_with_both(of, to):
    with pytest.raises(DeclarationError) as refused:
        evolution(pools(to), held(of), {"pool_id": "string", "x": to})
    assert str(refused.value).startswith(
        f"pools: 'x' is held as {of}, but declared {to}: values could be lost. Declare"
    )


def test_what_orders_statements_does_not_become_text():
    with pytest.raises(DeclarationError, match="'x' is held as int, but declared string"):
        evolution(pools("string", order=("x",)), held("int"), {"pool_id": "string", "x": "string"})


def test_versions_are_not_given_up_by_leaving_out_a_word():
    with_versions = held("date").add("valid_to", T.DateType())
    wanted = {"pool_id": "string", "x": "timestamp"}
    with pytest.raises(DeclarationError, match="declares no valid_from any more"):
        evolution(pools("timestamp"), with_versions, wanted)
    assert evolution(pools("timestamp", valid_from="x"), with_versions, wanted)[0] == {
        "x": "timestamp",
        "valid_to": "timestamp",
    }


def test_every_value_is_kept_and_a_new_column_is_null(spark):
    rows_held = frame(spark, "pool_id string, x int", [("a", 2147483647), ("b", None)])
    widened = evolved(rows_held, {"x": "decimal(12,2)"}, {"note": "string"})
    assert [(row.pool_id, str(row.x), row.note) for row in widened.collect()] == [
        ("a", "2147483647.00", None),
        ("b", "None", None),
    ]
    assert losses(rows_held, {"x": "double"}) is None


def test_whole_numbers_beyond_what_a_double_holds_are_counted(spark):
    large = [(9007199254740992,), (9007199254740993,), (9223372036854775807,), (-5,), (None,)]
    assert rows(losses(spark.createDataFrame(large, "x bigint"), {"x": "double"})) == [(2,)]
