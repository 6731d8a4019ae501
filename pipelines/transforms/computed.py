"""Columns that a domain's own function adds to a table, held to what the declaration says and to one row at a time."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.records import Compute
from pipelines.contracts.tables import Table

_ONE_ROW_AT_A_TIME = ("Project", "SubqueryAlias")
"""The nodes of a plan that give one row for each that they get and see no other."""


def with_computed(rows: DataFrame, table: Table, compute: Compute) -> DataFrame:
    """The rows with the table's computed columns, in their declared types.

    DeclarationError where the function does not give them, takes columns away, or sees more than a row at a time: a
    value that is made of other rows would know of them whenever they were told.
    """
    found, place = compute(rows), f"{compute.__module__}.{compute.__name__}"
    wanted = [*rows.columns, *[column.name for column in table.computed]]
    if missing := [name for name in wanted if name not in found.columns]:
        raise DeclarationError(
            f"{place}: gives no column '{missing[0]}'; it must give all that it gets, and the computed columns of the "
            f"table '{table.name}'"
        )
    given = _analyzed(rows)
    if other := _sees_other_rows(_analyzed(found), given):
        raise DeclarationError(
            f"{place}: does more than add columns to each row ({other}), so that a row could know what was told later; "
            "let it add what the row itself says, and declare a window over that"
        )
    held, were = _attributes(_analyzed(found)), _attributes(given)
    if changed := [name for name in rows.columns if held[name] != were[name]]:
        raise DeclarationError(f"{place}: changes the column '{changed[0]}'; it may only add columns")
    return found.select(*rows.columns, *[F.col(column.name).cast(column.type) for column in table.computed])


def _sees_other_rows(plan: Any, given: Any) -> str:
    """The name of the step that looks at more than a row at a time, "" if there is none."""
    while not plan.equals(given):
        name: str = plan.nodeName()
        if name not in _ONE_ROW_AT_A_TIME:
            return name
        plan = plan.children().head()
    return ""


def _attributes(plan: Any) -> dict[str, int]:
    """Spark's number of each column, which stays the same as long as the column is passed on as it is."""
    columns = plan.output()
    return {columns.apply(i).name(): columns.apply(i).exprId().id() for i in range(columns.size())}


def _analyzed(frame: DataFrame) -> Any:
    return frame._jdf.queryExecution().analyzed()
