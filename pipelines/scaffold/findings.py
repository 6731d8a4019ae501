"""A finding of the readiness report, and how it is judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "look", "stop"]

ENOUGH_OF_A_PART, FEWEST_OF_A_PART = 100, 20
"""So many rows a class or a span of the split should have, and so many it must."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. do: what to do about it, "" where it is well."""

    about: str
    verdict: Verdict
    found: str
    do: str = ""


def at_least(number: int, enough: int, fewest: int) -> Verdict:
    """Whether a number is enough, too few, or something between."""
    return "ok" if number >= enough else "look" if number >= fewest else "stop"
