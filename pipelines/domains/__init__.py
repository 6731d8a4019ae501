"""WHAT: the only place where a business word occurs. One folder a domain, found by looking."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

from pipelines.contracts.domain import Domain
from pipelines.contracts.names import DeclarationError
from pipelines.contracts.policies import Policy
from pipelines.contracts.records import Compute, Parser


class UnknownDomainError(LookupError):
    """No folder under pipelines/domains has this name; the message lists those that exist."""


@cache
def domains() -> dict[str, Domain]:
    """All declared domains by name, in alphabetical order: every folder here with a domain.py that holds a DOMAIN."""
    found = {}
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg:
            domain = importlib.import_module(f"{__name__}.{module.name}.domain").DOMAIN
            if domain.name != module.name:
                raise DeclarationError(f"pipelines/domains/{module.name}: its domain calls itself '{domain.name}'")
            found[module.name] = domain
    return found


def domain(name: str) -> Domain:
    """The domain of this name; raises UnknownDomainError."""
    try:
        return domains()[name]
    except KeyError:
        raise UnknownDomainError(f"unknown domain '{name}'. There are: {', '.join(domains())}") from None


def policy(of: Domain, name: str) -> Policy:
    """The policy `name` of the domain's decide.py; imports pyspark, so not for commands that must be quick."""
    found = policy_if_any(of, name)
    if found is None:
        raise DeclarationError(f"pipelines/domains/{of.name}/decide.py: no policy '{name}'")
    return found


def policy_if_any(of: Domain, name: str) -> Policy | None:
    """The same; None where the domain has no such policy, or no decide.py yet."""
    try:
        declared = vars(_part(of, "decide")).values()
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{of.name}.decide":
            raise
        return None
    return next((value for value in declared if isinstance(value, Policy) and value.name == name), None)


def parser(of: Domain, source: str) -> Parser | None:
    """The function for this source in the domain's parse.py; None where the declaration says it all."""
    try:
        found: Parser | None = getattr(_part(of, "parse"), source, None)
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{of.name}.parse":
            raise
        return None
    return found


def computed(of: Domain) -> dict[str, Compute]:
    """By table, the function of the domain's features.py that adds the table's computed columns."""
    found: dict[str, Compute] = {}
    for table in (table for table in of.tables if table.computed):
        compute = getattr(_features(of), table.name, None)
        if compute is None:
            raise DeclarationError(
                f"pipelines/domains/{of.name}/features.py: no function '{table.name}', which is to add the computed "
                "columns of that table"
            )
        found[table.name] = compute
    return found


def _features(of: Domain) -> ModuleType | None:
    try:
        return _part(of, "features")
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}.{of.name}.features":
            raise
        return None


def code_of_computed(of: Domain) -> str:
    """The text of the domain's features.py, since what it computes is another thing once it is another text; "" where
    nothing is computed. Only read, as importing it would import pyspark."""
    if not any(table.computed for table in of.tables):
        return ""
    found = importlib.util.find_spec(f"{__name__}.{of.name}.features")
    return Path(found.origin).read_text() if found and found.origin else ""


def embedded_files(of: Domain) -> Iterator[tuple[str, bytes]]:
    """The domain's embedded records as raw files: (path below its drop folder, content). Only landing calls this."""
    yield from _part(of, "samples").files()


def _part(of: Domain, part: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{of.name}.{part}")
