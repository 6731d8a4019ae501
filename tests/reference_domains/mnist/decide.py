"""Where a letter goes by the digit that is read on it."""

from __future__ import annotations

from pipelines.contracts.policies import Assigning

SORT = Assigning(
    name="sort",
    action="sorted_as",
    unit="letters gone astray",
    cost=lambda treated, actual: 0.0 if treated == actual else 1.0,
    doc="Each goes to the pigeonhole of the likeliest digit.",
)
