"""What a search may try of a family: the ranges that its parameters declare."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.contracts.tasks import ParamValue
from pipelines.contracts.trials import Space
from pipelines.models.base import Family


def search_space(family: Family, settled: Mapping[str, ParamValue]) -> Space:
    """The family's searched parameters, each with its values and the one that is in force; nothing where the family
    declares no range. settled: all of the family's parameters, as a task has them."""
    found: dict[str, tuple[ParamValue, ...]] = {}
    for param in family.params:
        if param.search is None:
            continue
        values: list[ParamValue] = [param.type(value) for value in (*param.search, settled[param.name])]
        in_order = values if param.type is str else sorted(values, key=float)
        found[param.name] = tuple(dict.fromkeys(in_order))
    return found
