"""Policies: how predictions become actions, and what an action turned out to be worth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True)
class Policy:
    """One way to decide, declared in a domain's decide.py, found by its name.

    action: the column that the decision fills, unit last. choose: from the names of the quantile columns (by quantile)
    to an expression for the action. value: from action and realised label to what it was worth, in `unit` a row.
    The naive policy takes the baseline's point forecast as its action; perfect foresight takes the realised label.
    """

    name: str
    action: str
    unit: str
    higher_is_better: bool
    choose: Callable[[dict[float, Column]], Column]
    value: Callable[[Column, Column], Column]
    doc: str = ""
