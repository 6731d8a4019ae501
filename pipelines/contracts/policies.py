"""Policies: how predictions become actions, and what an action turned out to be worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True)
class Sizing:
    """How much to do about each prediction, decided row by row; declared in a domain's decide.py, found by its name.

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


@dataclass(frozen=True)
class Picking:
    """Which few to act on, because there is not enough for all; for tasks that predict a probability.

    action: a boolean column, true for those that are picked. needs: features of the question that the functions use.
    worth: from probability and needs to what acting is expected to gain over not acting, in `unit` a row; what gains
    nothing is never picked. value: from the realised label and needs to what acting did gain. uses: from the needs to
    how much of the limit acting takes.
    limit: how much there is, for each day of the cut-offs in `time_zone`, or once for all where that is "".

    With days, picking is done as cut-offs come, by what earlier days have taught about the day's best; without, among
    all at once. The naive policy goes by the baseline's probability, perfect foresight by the label.
    """

    name: str
    action: str
    unit: str
    needs: tuple[str, ...]
    worth: Callable[[Column, Mapping[str, Column]], Column]
    value: Callable[[Column, Mapping[str, Column]], Column]
    uses: Callable[[Mapping[str, Column]], Column]
    limit: float
    time_zone: str = ""
    doc: str = ""

    higher_is_better = True


@dataclass(frozen=True)
class Assigning:
    """Which class to treat each thing as; for tasks that give the probabilities of classes.

    action: the column with the assigned class, a text. cost: from the class it is treated as and the class that it is
    to what that costs, in `unit` a row. The class with the least expected cost is assigned. The naive policy goes by
    the baseline's probabilities, perfect foresight by the label.
    """

    name: str
    action: str
    unit: str
    cost: Callable[[str, str], float]
    doc: str = ""

    higher_is_better = False


@dataclass(frozen=True)
class Shortlisting:
    """The first few of each query, in the order of a task that ranks.

    action: a boolean column, true for those that are picked. first: how many of each query. needs: features of the
    question that `value` uses. value: from the realised relevance and needs to what picking a row was worth, in `unit`.

    Equal scores stand in the order of their keys. The naive policy goes by the baseline's order, perfect foresight by
    what each row turned out to be worth.
    """

    name: str
    action: str
    unit: str
    first: int
    value: Callable[[Column, Mapping[str, Column]], Column]
    needs: tuple[str, ...] = ()
    doc: str = ""

    higher_is_better = True


Policy = Sizing | Picking | Assigning | Shortlisting
