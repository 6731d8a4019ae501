"""A fit's plan as JSON text and back: all that decides it, so that it can be carried out again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from pipelines.contracts import calendar, features, fits, splits
from pipelines.contracts.fits import FitPlan

_KIND = "kind"
_KINDS = {
    kind.__name__: kind
    for module in (calendar, features, fits, splits)
    for kind in vars(module).values()
    if isinstance(kind, type) and is_dataclass(kind)
}


class PlanError(ValueError):
    """A text is no plan that this Headrace knows; the message says why."""


def plan_text(plan: FitPlan) -> str:
    """The same plan gives the same text."""
    return json.dumps(_plain(plan), sort_keys=True, indent=1) + "\n"


def read_plan(text: str) -> FitPlan:
    """The plan that `text` was made from."""
    try:
        plan = _made(json.loads(text))
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(f"no plan of a fit that this Headrace can read: {error}") from error
    if not isinstance(plan, FitPlan):
        raise PlanError("no plan of a fit")
    return plan


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        members = {member.name: _plain(getattr(value, member.name)) for member in fields(value)}
        return {_KIND: type(value).__name__, **members}
    if isinstance(value, Mapping):
        return {_KIND: "mapping", "entries": [[_plain(key), _plain(part)] for key, part in value.items()]}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    if isinstance(value, timedelta):
        return {_KIND: "duration", "microseconds": value // timedelta(microseconds=1)}
    return {_KIND: "instant", "at": value.isoformat()} if isinstance(value, datetime) else value


def _made(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_made(part) for part in value)
    if not isinstance(value, dict):
        return value
    content = {name: part for name, part in value.items() if name != _KIND}
    match value[_KIND]:
        case "mapping":
            return {_made(key): _made(part) for key, part in content["entries"]}
        case "duration":
            return timedelta(microseconds=content["microseconds"])
        case "instant":
            return datetime.fromisoformat(content["at"])
        case kind:
            return _declared(_KINDS[kind], {name: _made(part) for name, part in content.items()})


def _declared(kind: type, content: Mapping[str, Any]) -> Any:
    """The declaration of this content. What a library decides, say its edition of holidays, must be as it was then."""
    given = {member.name for member in fields(kind) if member.init}
    made = kind(**{name: part for name, part in content.items() if name in given})
    for name, part in content.items():
        if (now := getattr(made, name)) != part:
            raise ValueError(f"{kind.__name__}.{name} was {part!r} then, here it is {now!r}")
    return made
