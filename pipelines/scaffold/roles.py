"""What each column is for: a key, a time, the answer, a feature, or none of these and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pipelines.scaffold.columns import FEW, Inferred
from pipelines.scaffold.shape import Shape

Use = Literal["key", "entity", "time", "target", "number", "category", "text", "left out"]
_TEXTS_AGAIN = 10
"""So often a text must come again on average to be worth a hash."""


@dataclass(frozen=True)
class Role:
    """A column and its use. why: of one that is left out."""

    column: Inferred
    use: Use
    why: str = ""


def roles_of(columns: Sequence[Inferred], shape: Shape, rows: int, leaks: Mapping[str, str]) -> tuple[Role, ...]:
    """The use of every column. leaks: by name of a column, how it tells the answer by itself."""
    return tuple(_role(column, shape, rows, leaks) for column in columns)


def features(roles: Sequence[Role]) -> tuple[Role, ...]:
    """The columns that models may see."""
    return tuple(role for role in roles if role.use in ("number", "category", "text"))


def _role(column: Inferred, shape: Shape, rows: int, leaks: Mapping[str, str]) -> Role:
    special: tuple[tuple[Use, Inferred | None], ...] = (
        ("target", shape.target),
        ("time", shape.time),
        ("entity", shape.entity),
        ("key", shape.key),
    )
    for use, of in special:
        if column is of:
            return Role(column, use)
    if column in shape.keys:
        return Role(column, "left out", "it names each row, as the key does")
    if not column.distinct:
        return Role(column, "left out", "it is empty")
    if column.distinct == 1 and not column.nullable:
        return Role(column, "left out", "it is the same in every row")
    if column.name in leaks:
        return Role(column, "left out", leaks[column.name])
    if column.is_time:
        return Role(column, "left out", "an instant is no number; make durations of it in features.py")
    if column.is_number or column.type == "boolean":
        return Role(column, "number")
    if shape.kind == "series":
        return Role(column, "left out", "a text says little of a series' next values")
    if column.distinct <= FEW:
        return Role(column, "category")
    if column.distinct * _TEXTS_AGAIN <= rows:
        return Role(column, "text")
    return Role(column, "left out", "nearly every row has a text of its own")
