"""A held table becomes as it is declared now, if no value is lost by that."""

from __future__ import annotations

import re
from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from pipelines.contracts.names import DeclarationError
from pipelines.contracts.tables import VALID_TO, Table

_WHOLE = {"tinyint": 3, "smallint": 5, "int": 10, "bigint": 19}
"""Whole types and how many decimal digits they may have."""
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


def evolution(table: Table, held: StructType, wanted: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Which held columns are to be widened, and which to be added, with their types.

    held: the table's schema; wanted: the types that its declared columns have now. DeclarationError where a type is
    another and cannot hold all values of the one before.
    """
    types = {field.name: field.dataType.simpleString() for field in held}
    if VALID_TO in types and not table.valid_from:
        raise DeclarationError(
            f"{table.name}: is held with the versions of each key, but declares no valid_from any more. Declare it, or "
            "a table under another name"
        )
    added = {name: kind for name, kind in wanted.items() if name not in types}
    widened = {name: kind for name, kind in wanted.items() if types.get(name, kind) != kind}
    meaning = {*table.order, table.event_time, table.valid_from}
    refused = [
        f"'{name}' is held as {types[name]}, but declared {kind}"
        for name, kind in widened.items()
        if not _is_wider(types[name], kind) or (kind == "string" and name in meaning)
    ]
    if refused:
        raise DeclarationError(
            f"{table.name}: {'; '.join(refused)}: values could be lost. Declare the type as it was, or a new "
            "column under another name"
        )
    if widened.get(table.valid_from) and VALID_TO in types:
        widened[VALID_TO] = widened[table.valid_from]
    return widened, added


def evolved(held: DataFrame, widened: Mapping[str, str], added: Mapping[str, str]) -> DataFrame:
    """All rows of a held table, or of its history, in the types declared now; added columns are null."""
    casts = {name: F.col(name).cast(kind) for name, kind in widened.items() if name in held.columns}
    nulls = {name: F.lit(None).cast(kind) for name, kind in added.items() if name not in held.columns}
    return held.withColumns(casts | nulls)


def losses(held: DataFrame, widened: Mapping[str, str]) -> DataFrame | None:
    """One row: per widened column that might lose a value how many do; None where no widening could."""
    doubtful = [
        name
        for name, kind in widened.items()
        if kind == "double" and name in held.columns and held.schema[name].dataType.simpleString() == "bigint"
    ]
    if not doubtful:
        return None
    # back as a decimal: a bigint would take any greater number for its own greatest one
    there_and_back = {name: F.expr(f"try_cast(cast(`{name}` as double) as decimal(38, 0))") for name in doubtful}
    return held.agg(*[F.count_if(~F.col(name).eqNullSafe(back)).alias(name) for name, back in there_and_back.items()])


def _is_wider(held: str, declared: str) -> bool:
    """Whether every value of a type can be one of another; of bigint to double `losses` must be asked."""
    if declared == "string":
        return True
    to, of = _DECIMAL.fullmatch(declared), _DECIMAL.fullmatch(held)
    if held in _WHOLE:
        if to:
            return int(to[1]) - int(to[2]) >= _WHOLE[held]
        return _WHOLE.get(declared, 0) > _WHOLE[held] or declared == "double"
    if to and of:
        return int(to[2]) >= int(of[2]) and int(to[1]) - int(to[2]) >= int(of[1]) - int(of[2])
    return (held, declared) in (("float", "double"), ("date", "timestamp"))
